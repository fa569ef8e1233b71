/** Netlify's sample for the contract that all formats keep. */
import type { Sample } from './contract.ts'

export const netlifySample: Sample = {
  format: 'netlify',
  isInferred: true,
  isBundled: true,
  module: `export default async (request, context) => {
  const { pathname, searchParams } = new URL(request.url)
  switch (pathname) {
    case '/hello':
      return new Response('hello')
    case '/echo': {
      const { method } = request
      return context.json({ method, path: pathname, name: searchParams.get('name'), body: await request.text() })
    }
    case '/json':
      return Response.json({ ok: true })
    case '/throw':
      throw new Error('boom')
    case '/bytes':
      return new Response(await request.arrayBuffer(), { headers: { 'content-type': 'application/octet-stream' } })
    case '/cookies':
      context.cookies.set('a', '1')
      context.cookies.set({ name: 'b', value: '2', path: '/' })
      return new Response('set')
  }
  return new Response('missing', { status: 404, headers: { 'x-reason': 'nothing here' } })
}
export const config = { path: '/*' }
`,
}
