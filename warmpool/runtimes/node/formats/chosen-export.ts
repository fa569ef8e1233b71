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

/** The second parameter has a name that people give to a response of Node's kind. */
export function takesRequestResponse(target: unknown): boolean {
  return /^res(?:p|ponse)?$/.test(parameters(target)[1])
}

/** The default export, `handler`, or the only function among the exports, where its parameters say so; else null. */
export function requestResponseFunction(exports: Exports): unknown {
  const { default: main } = exports
  const target = typeof main === 'function' ? main : (findExport(exports, 'handler') ?? onlyFunction(exports))
  return takesRequestResponse(target) ? target : null
}

function onlyFunction({ 'module.exports': _, default: main, ...named }: Exports): unknown {
  const functions = Object.values({ ...(main as object | undefined), ...named }).filter(isFunction)
  return new Set(functions).size === 1 ? functions[0] : null
}

function isFunction(value: unknown): boolean {
  return typeof value === 'function'
}

/** Names the line to write, where the format stays open between two. Null where the parameters have other names. */
export function looksLikeEvent(target: unknown): string | null {
  const [first, second] = parameters(target)
  if (first !== 'event' || !/^(?:context|ctx)$/.test(second)) return null
  return `The handler takes (${first}, ${second}), as functions of OpenFaaS and AWS Lambda do. Say in function.json whose it is: "format": "openfaas", or "format": "lambda" with "handler": "default"`
}

/** Only its context has these as methods. */
export function looksLikeOpenFaas(target: unknown): boolean {
  const [first, second] = parameters(target)
  return first === 'event' && second === 'context' && /\bcontext\s*\.\s*(?:status|headers)\s*\(/.test(String(target))
}

/** A context that goes unused is Lambda's: OpenFaaS's is the way to an answer's status. */
export function looksLikeLambda(target: unknown): boolean {
  const [first, second, third] = parameters(target)
  return /^_?event$/.test(first) && /^_\w*$/.test(second) && /^_?(?:callback|cb|done)$/.test(third)
}

function parameters(target: unknown): [string, string, string] {
  if (typeof target !== 'function') return ['', '', '']
  const [first = '', second = '', third = ''] = parameterTexts(String(target)).map(leadingName)
  return [first, second, third]
}

const BEFORE_PARAMETERS = /^(?:async\b\s*)?(?:function\b\s*\*?\s*)?[\w$]*\s*\(/
/** Enough for three parameters; a function's text may be long. */
const MOST_CHARACTERS = 2000

/** The text of each parameter; of a pattern (`{ query }`) and a default value the whole. */
function parameterTexts(source: string): string[] {
  const text = source.slice(0, MOST_CHARACTERS).replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '')
  const start = BEFORE_PARAMETERS.exec(text)?.[0].length
  if (start === undefined) return []
  const found = ['']
  let depth = 0
  for (const character of text.slice(start)) {
    if ('([{'.includes(character)) depth++
    if (')]}'.includes(character) && --depth < 0) return found
    if (character === ',' && depth === 0) found.push('')
    else found[found.length - 1] += character
  }
  return []
}

function leadingName(text: string): string {
  return /^\s*([\w$]+)/.exec(text)?.[1] ?? ''
}
