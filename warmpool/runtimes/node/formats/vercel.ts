/**
 * Vercel's Node.js functions: `export default (req, res)` with Vercel's helpers, and its web ones: `export default
 * { fetch }`, an export a method, or `config.runtime: 'edge'`. What `@vercel/functions` asks for is had from
 * {@link requestContext}. An `api` folder comes as a table of its files, from which the path chooses.
 */
import type { Call } from '../call.ts'
import { withBody } from '../reqres/body-parsing.ts'
import { callerAddress } from '../reqres/caller-address.ts'
import { HelpedResponse } from '../reqres/helped-response.ts'
import { giveTo, openAs } from '../reqres/serve.ts'
import { VercelRequest } from '../reqres/vercel-request.ts'
import { fetchFormat } from './fetch.ts'
import type { Exports, Format, Handler } from './format.ts'
import { methodsFormat } from './methods.ts'
import { PathRules } from './path-rules.ts'
import { inContext } from './vercel-context.ts'
import { type FileTable, fileRouter } from './vercel-files.ts'

type VercelFunction = (req: VercelRequest, res: HelpedResponse) => unknown
type Load = Parameters<Format['handler']>[1]
/** What a path says of itself: of `api/[id].ts` the id. */
type Params = Readonly<Record<string, string | string[]>>
type Routed = (call: Call, params: Params) => unknown

const NO_PARAMS: Params = {}

export const vercelFormat: Format = {
  name: 'vercel',
  concurrency: null,
  expects:
    'export default (req, res) => { … }, export default { fetch(request) { … } }, or export function GET(request)',
  isMarked: () => false,
  async handler(exports, load): Promise<Handler | null> {
    const routed = exports.vercelFiles === undefined ? await functionOf(exports, load) : await filesOf(exports, load)
    if (routed === null) return null
    return (call) => inContext(call, routed, NO_PARAMS)
  },
}

async function filesOf(exports: Exports, load: Load): Promise<Routed> {
  const route = await fileRouter(exports.vercelFiles as FileTable, async (file, module) => {
    const found = await functionOf(module, load)
    if (found === null) throw new TypeError(`${file} has no handler. Export one of: ${vercelFormat.expects}`)
    return found
  })
  const rules = load.platform?.rules === undefined ? null : new PathRules(load.platform.rules, true)
  return (call) => {
    if (rules?.redirected(call) === true) return undefined
    const { file, params } = route(call.lines[2]!)
    if (file !== null) return file(call, params)
    const found = rules?.rewritten(call.lines[2]!) ?? null
    if (found !== null) {
      const to = route(found.path.replace(/\.[cm]?[jt]sx?$/, '').replace(/\/index$/, ''))
      const lines = call.lines as string[]
      lines[2] = found.target
      // A destination may name a file as it is called: its parameter then comes by the query.
      if (to.file !== null) return to.file(call, found.path.includes('[') ? NO_PARAMS : to.params)
    }
    return call.answer(404, 'content-type\ntext/plain; charset=utf-8', 'The page could not be found\n\nNOT_FOUND\n')
  }
}

async function functionOf(exports: Exports, load: Load): Promise<Routed | null> {
  const { default: main, config } = exports
  const isEdge = (config as { runtime?: unknown } | undefined)?.runtime === 'edge'
  if (typeof main === 'function' && !isEdge) return (call, params) => callNode(call, main as VercelFunction, params)
  const format = methodsFormat.isMarked(exports) ? methodsFormat : fetchFormat
  const web = await format.handler(exports, load)
  if (web === null) return null
  return (call) => {
    addRealIp(call)
    return web(call)
  }
}

function callNode(call: Call, handler: VercelFunction, params: Params): unknown {
  return withBody(call, (bytes) => {
    addRealIp(call)
    const exchange = openAs(call, VercelRequest, HelpedResponse)
    exchange.kept = bytes
    exchange.request.setCall(bytes, params)
    giveTo(handler, exchange)
  })
}

/** Who called, under the name by which Vercel's functions know it. */
function addRealIp({ lines }: Call): void {
  const address = callerAddress(lines)
  const own = lines as string[]
  for (let at = 3; at + 1 < own.length; at += 2) if (own[at] === 'x-real-ip') own.splice(at, 2)
  if (address !== undefined) own.push('x-real-ip', address)
}
