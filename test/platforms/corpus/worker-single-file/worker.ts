interface Env {
  GREETING: string
}
export default {
  fetch(request: Request, env: Env): Response {
    return new Response(`${env.GREETING} ${new URL(request.url).searchParams.get('name')}`)
  },
}
