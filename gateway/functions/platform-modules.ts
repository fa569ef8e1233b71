/**
 * Modules that exist on the platforms and in no package, for functions that come from there: `cloudflare:workers`,
 * `cloudflare:node` and `@azure/functions-core` get a stand-in, and what only its own platform can load is refused with
 * what to do instead. What a module reaches through `__wranglerFree` is put there by
 * the worker (warmpool/runtimes/node/formats/platform-globals.ts).
 */
import type { Plugin } from 'esbuild'

/** Not in `node_modules` and no file: such a name is left out of what a bundle lists as its files. */
export const VIRTUAL = '(wrangler-free)'

/** esbuild's `define`: a global `Deno` would make libraries believe that they run on Deno. */
export const PLATFORM_DEFINE = { 'Deno.serve': '__wranglerFree.Deno.serve', 'Deno.env': '__wranglerFree.Deno.env' }

const CLOUDFLARE_WORKERS = `
export const env = globalThis.__wranglerFree?.env ?? process.env
export class WorkerEntrypoint { constructor(ctx, env) { this.ctx = ctx; this.env = env } }
export class RpcTarget {}
const missing = (what, instead) => { throw new Error(what + ' of "cloudflare:workers" exists on Cloudflare only. ' + instead) }
export class DurableObject { constructor() { missing('DurableObject', 'Keep such state in a database.') } }
export class WorkflowEntrypoint { constructor() { missing('WorkflowEntrypoint', 'Start the steps from a handler.') } }
export const waitUntil = () => missing('waitUntil', 'Call waitUntil of the ctx that the handler gets.')
`

/**
 * As far as `@azure/functions` uses it. Functions and hooks are kept where the worker's format finds them.
 */
const AZURE_FUNCTIONS_CORE = `
const app = (globalThis[Symbol.for('wrangler-free.azure')] ??= { model: null, functions: [], hooks: new Map() })
export class Disposable {
  #dispose
  constructor(dispose) { this.#dispose = dispose }
  dispose() { this.#dispose?.(); this.#dispose = undefined }
}
export const version = '3.0.0'
export const hostVersion = '4.0.0'
export const registerFunction = (metadata, callback) => {
  const entry = { metadata, callback }
  app.functions.push(entry)
  return new Disposable(() => app.functions.splice(app.functions.indexOf(entry), 1))
}
export const registerHook = (name, callback) => {
  const hooks = app.hooks.get(name) ?? []
  app.hooks.set(name, hooks)
  hooks.push(callback)
  return new Disposable(() => hooks.splice(hooks.indexOf(callback), 1))
}
export const setProgrammingModel = (model) => { app.model = model }
export const getProgrammingModel = () => app.model
const quiet = new Set(['trace', 'debug', 'none'])
export const log = (level, category, message) => {
  if (category === 'system' && quiet.has(level)) return
  const write = level === 'error' || level === 'critical' ? 'error' : level === 'warning' ? 'warn' : 'log'
  console[write](message)
}
`

/** Symbol: see the worker's formats/node-marks.ts. */
const CLOUDFLARE_NODE = `
export const httpServerHandler = (server) => ({ [Symbol.for('wrangler-free.http-server')]: server })
export const handleAsNodeRequest = () => { throw new Error('handleAsNodeRequest of "cloudflare:node" exists on Cloudflare only: export default httpServerHandler({ port }).') }
`

const STAND_INS: Readonly<Record<string, string>> = {
  'cloudflare:node': CLOUDFLARE_NODE,
  'cloudflare:workers': CLOUDFLARE_WORKERS,
  '@azure/functions-core': AZURE_FUNCTIONS_CORE,
}

/** Resolves them all. One instance may serve any number of builds. */
export function platformModules(): Plugin {
  return {
    name: 'platform-modules',
    setup(build) {
      build.onResolve({ filter: /^(?:cloudflare:(?:workers|node)|@azure\/functions-core)$/ }, ({ path }) => {
        return { path, namespace: VIRTUAL }
      })
      build.onLoad({ filter: /.*/, namespace: VIRTUAL }, ({ path }) => ({ contents: STAND_INS[path], loader: 'js' }))
      build.onResolve({ filter: /^cloudflare:/ }, ({ path, kind }) => {
        // What is imported when it is reached may never be.
        return kind === 'import-statement' ? { errors: [{ text: refusal(path) }] } : undefined
      })
    },
  }
}

function refusal(path: string): string {
  return `"${path}" exists on Cloudflare only. Variables are in \`env\`, the rest has to be passed in; of "cloudflare:workers" env and WorkerEntrypoint are there, of "cloudflare:node" httpServerHandler.`
}
