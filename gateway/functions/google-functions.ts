/**
 * Google's functions register with their own copy of `@google-cloud/functions-framework`, into which nobody else can
 * look. A bundle gets this module in its place, whether the package is installed or not: the runtime finds what was
 * registered under a symbol (warmpool/runtimes/node/formats/gcf-registry.ts).
 */
import type { Plugin } from 'esbuild'

const PACKAGE = /^@google-cloud\/functions-framework$/

/** In angle brackets, as esbuild itself names what is no file: bundles list files only. */
const NAMESPACE = '<google-functions>'

/** With the default export that a module finds in the package, which is CommonJS. */
const MODULE = `
const key = Symbol.for('wrangler-free.google-functions')
const registry = (globalThis[key] ??= new Map())
function register(signature, name, handler) {
  if (!/^[A-Za-z](?:[-_A-Za-z0-9]{0,61}[A-Za-z0-9])?$/.test(name)) throw new Error('Invalid function name: ' + name)
  registry.set(name, { signature, handler })
}
export const http = (name, handler) => register('http', name, handler)
export const cloudEvent = (name, handler) => register('cloudevent', name, handler)
export const typed = (name, handler) => register('typed', name, handler)
export default { http, cloudEvent, typed }
`

export function googleFunctions(): Plugin {
  return {
    name: 'google-functions',
    setup(build) {
      build.onResolve({ filter: PACKAGE }, ({ path }) => ({ path, namespace: NAMESPACE }))
      build.onLoad({ filter: PACKAGE, namespace: NAMESPACE }, () => ({ contents: MODULE, loader: 'js' }))
    },
  }
}
