/**
 * The export that `"handler"` names. Most formats call a module's default export: for them one of another name takes
 * that place. Also what a function of which nothing is said gives away by its parameters' names.
 */
import type { Exports } from './format.ts'

/** `file.export` or `export` alone, with dots where the export lies deeper. Undefined where there is none. */
export function findExport(exports: Exports, name: string): unknown {
  const path = name.slice(name.lastIndexOf('/') + 1).split('.')
  return nested(exports, path) ?? (path.length > 1 ? nested(exports, path.slice(1)) : undefined)
}

/** As if the named export were the default one; `config` belongs to whichever is called. */
export function withDefault(exports: Exports, name: string): Exports {
  const found = findExport(exports, name)
  if (found === undefined || found === null) throw new TypeError(noSuchExport(exports, name))
  return exports.config === undefined ? { default: found } : { default: found, config: exports.config }
}

export function noSuchExport(exports: Exports, name: string): string {
  const names = Object.keys(exports).join(', ')
  return `The handler "${name}" is not among what the module exports: ${names}. Name one of these as "handler" in function.json`
}

/** Of CommonJS, exports that cannot be read off the text are on the whole only. */
function nested(exports: Exports, path: readonly string[]): unknown {
  return within(exports, path) ?? within(exports.default, path)
}

function within(value: unknown, path: readonly string[]): unknown {
  return path.reduce((inner: unknown, key) => (inner as Exports | null | undefined)?.[key], value)
}

const FIRST_THREE = /^(?:async\b\s*)?(?:function\b\s*\*?\s*)?[\w$]*\s*\(\s*([\w$]+)\s*,\s*([\w$]+)\s*(?:,\s*([\w$]+))?/

/**
 * What a function wants that would load as one of another format, and fail at its first call: in words that say which
 * line decides. Null where its parameters have other names.
 */
export function looksLikeRequestResponse(target: unknown): string | null {
  const [first, second] = parameters(target)
  if (!/^res(?:p|ponse)?$/.test(second)) return null
  return `The handler takes (${first}, ${second}), as functions of node:http do. Say in function.json whose it is: "format": "node" (node:http, Express), "vercel" or "gcf" (Google)`
}

export function looksLikeEvent(target: unknown): string | null {
  const [first, second] = parameters(target)
  if (first !== 'event' || !/^(?:context|ctx)$/.test(second)) return null
  return `The handler takes (${first}, ${second}), as functions of OpenFaaS and AWS Lambda do. Say in function.json whose it is: "format": "openfaas", or "format": "lambda" with "handler": "default"`
}

/** A context that goes unused is Lambda's: OpenFaaS's is the way to an answer's status. */
export function looksLikeLambda(target: unknown): boolean {
  const [first, second, third] = parameters(target)
  return /^_?event$/.test(first) && /^_\w*$/.test(second) && /^_?(?:callback|cb|done)$/.test(third)
}

function parameters(target: unknown): [string, string, string] {
  const found = typeof target === 'function' ? FIRST_THREE.exec(String(target)) : null
  return [found?.[1] ?? '', found?.[2] ?? '', found?.[3] ?? '']
}
