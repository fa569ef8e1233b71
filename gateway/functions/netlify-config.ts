/**
 * Reads `export const config` of a Netlify function off its text, without running it: its paths have to be routes
 * before the first call. Only what is written out can be read; a path that is computed is told to the author with the
 * line to write in function.json instead.
 */
import { extname } from 'node:path'
import type * as esbuild from 'esbuild'
import * as bundler from '../bundler.ts'
import { readLiteral, UNREADABLE } from './literal.ts'

export interface NetlifyConfig {
  /** As written: the syntax of URLPattern. */
  readonly paths: readonly string[]
  readonly excludedPaths: readonly string[]
  /** Upper case; empty for all. */
  readonly methods: readonly string[]
  /** Routes in our own syntax that lead to all of `paths`; the function itself answers 404 to what is none of them. */
  readonly routes: readonly string[]
  /** When Netlify would call it: nothing does here. */
  readonly schedule: string | null
  readonly isBackground: boolean
  readonly preferStatic: boolean
}

/** `config` cannot be read off the text. */
export class NetlifyConfigProblem extends Error {
  override readonly name = 'NetlifyConfigProblem'
  /** Counted from 1. */
  readonly line: number

  constructor(message: string, line: number) {
    super(message)
    this.line = line
  }
}

const MARKS = ['path', 'method', 'schedule', 'excludedPath', 'preferStatic', 'background', 'rateLimit']
const MENTIONS = new RegExp(`\\b(?:${MARKS.join('|')})\\b`)
const IS_OF_NETLIFY = /@netlify\/functions|\bNetlify\s*\.\s*(?:env|context)\b/
/** What routes know: plain segments, `:name`, and `/*` at the end. */
const ROUTE = /^(?:\/(?::[A-Za-z_]\w*|[\w.~-]+))*(?:\/\*|\/)?$/
const OPTIONAL_END = /^(.*)(\/:[A-Za-z_]\w*)\?$/

/** Whether the text of a function mentions Netlify's global or package. */
export function mentionsNetlify(text: string): boolean {
  return IS_OF_NETLIFY.test(text)
}

/**
 * `file` names the kind of text by its ending. Null: the module exports no `config` of Netlify's. Throws
 * {@link NetlifyConfigProblem}, and what esbuild throws for text that is no code.
 */
export async function readNetlifyConfig(file: string, text: string): Promise<NetlifyConfig | null> {
  if (!/\bconfig\b/.test(text) || !MENTIONS.test(text)) return null
  const config = await findConfig(file, text)
  if (config === UNREADABLE && mentionsNetlify(text)) throw computed(text, 'config', [])
  if (typeof config !== 'object' || config === null) return null
  const fields = config as Readonly<Record<string, unknown>>
  if (!MARKS.some((name) => fields[name] !== undefined)) return null
  const paths = texts(fields, 'path', text)
  for (const path of paths) if (!path.startsWith('/')) throw notAPath(text, path)
  return {
    paths,
    excludedPaths: texts(fields, 'excludedPath', text),
    methods: texts(fields, 'method', text).map((method) => method.toUpperCase()),
    routes: [...new Set(paths.flatMap(routesFor))],
    schedule: texts(fields, 'schedule', text)[0] ?? null,
    isBackground: fields.background === true,
    preferStatic: fields.preferStatic === true,
  }
}

/** Routes that lead to every path of the pattern, and to few others. */
export function routesFor(path: string): string[] {
  if (ROUTE.test(path)) return [path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path]
  const optional = OPTIONAL_END.exec(path)
  if (optional !== null && ROUTE.test(optional[1]!)) return [optional[1] || '/', optional[1]! + optional[2]]
  const plain = path.split('/').slice(1)
  const end = plain.findIndex((segment) => !/^(?::[A-Za-z_]\w*|[\w.~-]+)$/.test(segment))
  return [`/${[...plain.slice(0, end), '*'].join('/')}`]
}

/** The value of the export `config`, or of that property of the default export; undefined if there is neither. */
async function findConfig(file: string, text: string): Promise<unknown> {
  const loader = (/^\.[cm]?(ts|js)$/.exec(extname(file))?.[1] ?? extname(file).slice(1)) as esbuild.Loader
  const { code } = await bundler.transform(text, { loader, format: 'esm', logLevel: 'silent' })
  const exported = exportedAs(code, 'config')
  if (exported !== null) return declared(code, exported)
  const holder = exportedAs(code, 'default')
  const value = holder === null ? defaultValue(code) : declared(code, holder)
  return value === UNREADABLE || typeof value !== 'object' ? undefined : (value as { config?: unknown } | null)?.config
}

/** The name in the module of what it exports under a name: esbuild prints `export {` … `}` with one on each line. */
function exportedAs(code: string, name: string): string | null {
  if (new RegExp(`^export (?:const|let|var) ${name} = `, 'm').test(code)) return name
  for (const [, list] of code.matchAll(/^export \{([^}]*)\}/gm)) {
    for (const item of list!.split(',')) {
      const [local, as = local] = item.trim().split(' as ')
      if (as === name) return local!
    }
  }
  return null
}

function declared(code: string, name: string): unknown {
  const escaped = name.replaceAll('$', '\\$')
  const found = [...code.matchAll(new RegExp(`^(?:export )?(?:const|let|var) ${escaped} = `, 'gm'))]
  return found.length === 1 ? readAt(code, found[0]!.index + found[0]![0].length) : UNREADABLE
}

function defaultValue(code: string): unknown {
  const found = /^export default /m.exec(code)
  return found === null ? undefined : readAt(code, found.index + found[0].length)
}

function readAt(code: string, at: number): unknown {
  try {
    return readLiteral(code, at)
  } catch {
    return UNREADABLE
  }
}

function texts(fields: Readonly<Record<string, unknown>>, name: string, text: string): string[] {
  const value = fields[name]
  if (value === undefined) return []
  const all: unknown[] = Array.isArray(value) ? value : [value]
  if (all.every((one) => typeof one === 'string')) return all as string[]
  throw computed(text, name, name === 'path' ? ['/users/:id'] : [])
}

function computed(text: string, name: string, example: readonly string[]): NetlifyConfigProblem {
  const what = name === 'config' ? '`config`' : `\`${name}\` of \`config\``
  const routes = example.length === 0 ? ['/users/:id'] : example
  return new NetlifyConfigProblem(
    `${what} is computed, or comes from elsewhere, and is needed before the module runs. Write it out as text, or write the routes in function.json: "routes": ${JSON.stringify(routes)}`,
    lineOf(text, name),
  )
}

function notAPath(text: string, path: string): NetlifyConfigProblem {
  const message = `\`path\` of \`config\` is ${JSON.stringify(path)}, which is no path: it begins with a slash, as "/users/:id" does.`
  return new NetlifyConfigProblem(message, lineOf(text, 'path'))
}

/** Of the name behind the first `config` that is given a value. */
function lineOf(text: string, name: string): number {
  const start = Math.max(0, text.search(/\bconfig\b\s*(?::[^=\n]*)?[=:]/))
  const at = name === 'config' ? start : start + Math.max(0, text.slice(start).search(new RegExp(`\\b${name}\\b`)))
  return text.slice(0, at).split('\n').length
}
