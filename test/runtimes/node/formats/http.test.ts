/** Programs that serve HTTP, in a real worker. */
import { expect, test } from 'vitest'
import { programOf } from './programs.ts'

const ECHO = `
import { createServer } from 'node:http'
createServer(async (request, response) => {
  const parts = []
  for await (const part of request) parts.push(part)
  response.setHeader('set-cookie', ['a=1', 'b=2'])
  const { method, url, headers } = request
  response.end(JSON.stringify({ method, url, headers, body: Buffer.concat(parts).toString() }))
}).listen(process.env.SOCKET)
`

test('a node:http server on the socket', async () => {
  const called = programOf('http', { 'server.mjs': ECHO }, ['node', 'server.mjs'])
  const answer = await called.call({ method: 'POST', url: '/a?b=1', headers: { 'content-type': 'text/x' }, body: 'hi' })
  expect(answer.failure).toBe(null)
  expect(answer.status).toBe(200)
  expect(answer.fields.filter(([name]) => name === 'set-cookie')).toHaveLength(2)
  expect(JSON.parse(answer.body.toString())).toMatchObject({ method: 'POST', url: '/a?b=1', body: 'hi' })
})
