/** Azure's sample for the contract that all formats keep: a function for each path, through the real package. */
import type { Sample } from './contract.ts'

export const azureSample: Sample = {
  format: 'azure',
  isInferred: true,
  isBundled: true,
  prefix: '/api',
  module: `import { app } from '@azure/functions'
const methods = ['GET', 'POST', 'PUT', 'DELETE']
app.http('hello', { methods, handler: () => ({ body: 'hello' }) })
app.http('echo', {
  methods,
  handler: async (request) => {
    const { pathname } = new URL(request.url)
    return { jsonBody: { method: request.method, path: pathname, name: request.query.get('name'), body: await request.text() } }
  },
})
app.http('json', { methods, handler: async () => ({ jsonBody: { ok: true } }) })
app.http('throw', { methods, handler: () => { throw new Error('boom') } })
app.http('missing', {
  methods,
  handler: () => ({ status: 404, headers: { 'x-reason': 'nothing here' }, body: 'missing' }),
})
app.http('bytes', {
  methods,
  handler: async (request) => ({
    body: await request.arrayBuffer(),
    headers: { 'content-type': 'application/octet-stream' },
  }),
})
app.http('cookies', {
  methods,
  handler: () => ({ body: 'set', cookies: [{ name: 'a', value: '1' }, { name: 'b', value: '2', path: '/' }] }),
})
`,
}
