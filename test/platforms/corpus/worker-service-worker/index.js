addEventListener('fetch', (event) => {
  event.respondWith(handle(event.request).catch((error) => new Response(error.stack, { status: 500 })))
})
addEventListener('scheduled', (event) => event.waitUntil(Promise.resolve()))

async function handle(request) {
  const { pathname } = new URL(request.url)
  if (request.method === 'POST') return new Response(await request.text(), { status: 201 })
  return new Response(`You asked for ${pathname}`, { headers: { 'content-type': 'text/plain' } })
}
