/** The registered HTTP function of Google's that keeps the formats' common contract. */
import type { Sample } from './contract.ts'

export const gcfSample: Sample = {
  format: 'gcf',
  isInferred: true,
  isBundled: true,
  module: `
    import * as functions from '@google-cloud/functions-framework'
    functions.http('sample', (req, res) => {
      switch (req.path) {
        case '/hello': return res.send('hello')
        case '/echo': return res.json({ method: req.method, path: req.path, name: req.query.name, body: req.rawBody?.toString() ?? '' })
        case '/json': return res.json({ ok: true })
        case '/throw': throw new Error('boom')
        case '/bytes': return res.send(req.body)
        case '/cookies': return res.append('set-cookie', 'a=1').append('set-cookie', 'b=2; Path=/').send('set')
        default: return res.status(404).set('x-reason', 'nothing here').send('missing')
      }
    })`,
}
