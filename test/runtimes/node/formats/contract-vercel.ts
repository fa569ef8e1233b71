/** The `(req, res)` function with Vercel's helpers that keeps the formats' common contract. */
import type { Sample } from './contract.ts'

export const vercelSample: Sample = {
  format: 'vercel',
  isInferred: false,
  module: `
    export default function (req, res) {
      const path = req.url.split('?')[0]
      switch (path) {
        case '/hello': return res.send('hello')
        case '/echo': return res.json({ method: req.method, path, name: req.query.name, body: req.body ?? '' })
        case '/json': return res.json({ ok: true })
        case '/throw': throw new Error('boom')
        case '/bytes': return res.send(req.body)
        case '/cookies': return res.setHeader('set-cookie', ['a=1', 'b=2; Path=/']).send('set')
        default: return res.setHeader('x-reason', 'nothing here').status(404).send('missing')
      }
    }`,
}
