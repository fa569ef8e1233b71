/** The plain `(req, res)` function that keeps the formats' common contract. */
import type { Sample } from './contract.ts'

export const nodeSample: Sample = {
  format: 'node',
  isInferred: false,
  module: `
    export default async function (req, res) {
      const { pathname, searchParams } = new URL(req.url, 'http://localhost')
      const chunks = []
      for await (const chunk of req) chunks.push(chunk)
      const bytes = Buffer.concat(chunks)
      const json = (value) => res.setHeader('content-type', 'application/json').end(JSON.stringify(value))
      switch (pathname) {
        case '/hello': return res.end('hello')
        case '/echo': return json({ method: req.method, path: pathname, name: searchParams.get('name'), body: bytes.toString() })
        case '/json': return json({ ok: true })
        case '/throw': throw new Error('boom')
        case '/bytes': return res.setHeader('content-type', 'application/octet-stream').end(bytes)
        case '/cookies': return res.setHeader('set-cookie', ['a=1', 'b=2; Path=/']).end('set')
        default: return res.writeHead(404, { 'x-reason': 'nothing here' }).end('missing')
      }
    }`,
}
