/**
 * `(req, res) => …` of which nothing says whose it is: Node's own pair with what Vercel's, Google's and Express's
 * functions use besides (`req.query`, `cookies`, `body`, `rawBody`; `res.status`, `send`, `json`, `redirect`).
 */
import type { Call } from '../call.ts'
import { withBody } from '../reqres/body-parsing.ts'
import { HelpedRequest } from '../reqres/helped-request.ts'
import { HelpedResponse } from '../reqres/helped-response.ts'
import { giveTo, handedOn, openAs } from '../reqres/serve.ts'
import { requestResponseFunction } from './chosen-export.ts'
import type { Format, Handler } from './format.ts'

type Listener = (req: HelpedRequest, res: HelpedResponse, next: (error?: unknown) => void) => unknown

export const reqResFormat: Format = {
  name: 'req-res',
  concurrency: null,
  expects: 'export default (req, res) => { … }',
  isMarked: (exports) => requestResponseFunction(exports) !== null,
  handler(exports): Handler | null {
    const target = requestResponseFunction(exports) ?? exports.default
    return typeof target === 'function' ? serveAs(target as Listener) : null
  },
}

function serveAs(listener: Listener): Handler {
  return (call: Call) =>
    withBody(call, (bytes) => {
      const exchange = openAs(call, HelpedRequest, HelpedResponse)
      exchange.kept = bytes
      exchange.request.keep(bytes)
      giveTo((req, res) => listener(req, res, (error) => handedOn(exchange, error)), exchange)
    })
}
