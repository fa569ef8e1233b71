// The smallest function: one file, one default export with a `fetch` method. It answers at /hello; try /hello?name=Ada.
export default {
  fetch(request: Request): Response {
    const name = new URL(request.url).searchParams.get('name') || 'world'
    return new Response(`Hello, ${name}!\n`)
  },
}
