export default {
  async fetch(request: Request): Promise<Response> {
    const name = new URL(request.url).pathname.split('/').at(-1)
    const { say } = await import(`./languages/${name}.ts`)
    return new Response(say('Ada'))
  },
}
