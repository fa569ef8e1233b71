/**
 * The `Netlify` global, there before a function's module is imported. That a module used it while it was imported is a
 * mark of the format, as is its `config`, and as is the store that `@netlify/functions` makes when its helpers are
 * imported. It is in every blank that may become such a function, so it is small.
 */

import type { Exports } from './format.ts'
import { variables } from './variables.ts'

/** Where `@netlify/functions` looks for the context of the call that runs. */
export const CONTEXT_STORE = Symbol.for('@netlify/functions/request-context-store')

interface ContextStore {
  getStore(): { readonly context: unknown } | undefined
}

const CONFIG_MARKS = ['path', 'method', 'schedule', 'excludedPath', 'preferStatic', 'rateLimit', 'background']

let isUsed = false

export function installNetlifyGlobal(): void {
  Object.defineProperty(globalThis, 'Netlify', {
    get() {
      isUsed = true
      return netlify
    },
    configurable: true,
  })
}

/** How Netlify knows a function that runs on after its answer. */
export function isBackground(name: string): boolean {
  return name.endsWith('-background')
}

export function isNetlify(exports: Exports): boolean {
  const isFunction = typeof exports.default === 'function'
  if (!isFunction && !hasFetch(exports.default)) return false
  const config = netlifyConfig(exports)
  if (CONFIG_MARKS.some((name) => config[name] !== undefined)) return true
  // A library may look for the global: an object with `fetch` is not taken from Workers for that alone.
  return isFunction && (isUsed || contextStore() !== undefined)
}

/** `config` as the module exports it, or as its default export has it. */
export function netlifyConfig(exports: Exports): Readonly<Record<string, unknown>> {
  const config = exports.config ?? (exports.default as { config?: unknown } | null)?.config
  return typeof config === 'object' && config !== null ? (config as Record<string, unknown>) : {}
}

function hasFetch(value: unknown): boolean {
  return typeof (value as { fetch?: unknown } | null)?.fetch === 'function'
}

function contextStore(): ContextStore | undefined {
  return (globalThis as { [CONTEXT_STORE]?: ContextStore })[CONTEXT_STORE]
}

const netlify = {
  env: variables,
  get context(): unknown {
    return contextStore()?.getStore()?.context ?? null
  },
}
