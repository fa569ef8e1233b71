// The function that the conformance suite calls, for the Node runtime; what it must do is in docs/protocol.md.
export default async function handler(request) {
  const { pathname, searchParams } = new URL(request.url)
  switch (pathname) {
    case '/hello':
      return new Response('hello', { status: 201, headers: { 'x-answer': 'yes' } })
    case '/request':
      return new Response(`${request.method} ${searchParams.get('name')} ${request.headers.get('x-conformance')}`)
    case '/env':
      return new Response(process.env.CONFORMANCE ?? 'none')
    case '/print':
      console.log('printed by the function')
      return new Response('printed')
    case '/echo':
      return new Response(await request.bytes())
    case '/stream':
      return new Response(request.body)
    case '/bytes':
      return new Response(new Uint8Array(Number(searchParams.get('count'))).fill(120))
    case '/hold':
      return new Promise((resolve) => {
        request.signal.addEventListener('abort', () => resolve(new Response('left')))
      })
    case '/throw':
      throw new RangeError('thrown by the function')
    case '/nothing':
      return undefined
    case '/exit':
      return process.exit(3)
    default:
      return new Response('no such path', { status: 404 })
  }
}
