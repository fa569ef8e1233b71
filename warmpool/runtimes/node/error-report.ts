/**
 * A thrown value as data: what, where in the author's own sources, and the lines around it. Stacks come mapped to the
 * sources (source maps are on); a frame of Node itself or of this runtime is never the place that is named.
 */
import { readFileSync } from 'node:fs'
import { sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ErrorReport } from '../../wire/messages.ts'

const CONTEXT_LINES = 2
const MAX_LINE_CHARS = 160
/** Bounds what a function can make the parent hold for one error. */
const MAX_CHARS = 16 * 1024
/** The same for an error within an error, of which there may be so many in all, so deep. */
const MAX_INNER_CHARS = 4 * 1024
const MOST_INNER = 8
const MOST_DEPTH = 4
const MOST_FIELDS = 10
const MAX_FIELD_CHARS = 500
const TOLD: ReadonlySet<string> = new Set(['name', 'message', 'stack', 'cause', 'errors'])

interface Place {
  readonly file: string
  readonly line: number
  readonly column: number
}

const RUNTIME_FOLDER = import.meta.dirname + sep

/** Never throws, whatever was thrown. */
export function reportError(thrown: unknown): ErrorReport {
  try {
    return describeError(thrown, { left: MOST_INNER }, 0)
  } catch {
    // A getter, a `toString` or a stack of the author's own that is none.
    return { name: 'Error', message: 'Thrown: something that cannot be shown', stack: '' }
  }
}

function describeError(thrown: unknown, inner: { left: number }, depth: number): ErrorReport {
  const most = depth === 0 ? MAX_CHARS : MAX_INNER_CHARS
  if (!(thrown instanceof Error)) {
    return { name: 'Error', message: `Thrown: ${cut(printable(thrown), most)}`, stack: '' }
  }
  const stack = cut(String(thrown.stack ?? ''), most)
  const place = findPlace(stack)
  const report = {
    name: cut(String(thrown.name), most),
    message: cut(String(thrown.message), most),
    stack,
    ...fieldsOf(thrown),
    ...innerOf(thrown, inner, depth + 1),
  }
  if (place === null) return report
  const frame = codeFrame(place)
  return { ...report, ...place, ...(frame === null ? {} : { frame }) }
}

function fieldsOf(error: Error): Pick<ErrorReport, 'fields'> {
  const names = Object.keys(error).filter((name) => !TOLD.has(name))
  if (names.length === 0) return {}
  const shown = names.slice(0, MOST_FIELDS).map((name) => {
    const value = (error as unknown as Record<string, unknown>)[name]
    return [cut(name, MAX_FIELD_CHARS), cut(printable(value), MAX_FIELD_CHARS)]
  })
  return { fields: Object.fromEntries(shown) as Record<string, string> }
}

function innerOf(error: Error, inner: { left: number }, depth: number): Pick<ErrorReport, 'cause' | 'errors'> {
  const described = (one: unknown): ErrorReport[] =>
    depth > MOST_DEPTH || inner.left-- <= 0 ? [] : [describeError(one, inner, depth)]
  const [cause] = error.cause === undefined ? [] : described(error.cause)
  const { errors: given } = error as Partial<AggregateError>
  const errors = Array.isArray(given) ? given.slice(0, MOST_INNER).flatMap(described) : []
  return { ...(cause === undefined ? {} : { cause }), ...(errors.length === 0 ? {} : { errors }) }
}

/** It was thrown by this runtime, and no code of the function was on the stack. */
export function isRuntimesError(thrown: unknown): boolean {
  try {
    const { stack } = thrown as { stack?: unknown }
    return typeof stack === 'string' && stack.includes(RUNTIME_FOLDER) && findPlace(stack) === null
  } catch {
    return false
  }
}

/** `at f (/path/file.js:1:2)`, `at file:///path/file.js:1:2`, and the `/path/file.js:1` above a syntax error. */
const FRAME = /(?:^|\(|\s)((?:file:\/\/)?\/[^\s():]+):(\d+)(?::(\d+))?\)?$/

function findPlace(stack: string): Place | null {
  for (const line of stack.split('\n')) {
    const match = FRAME.exec(line)
    if (match === null) continue
    const file = match[1]!.startsWith('file:') ? fileURLToPath(match[1]!) : match[1]!
    if (file.startsWith(RUNTIME_FOLDER) || file.startsWith('node:')) continue
    return { file, line: Number(match[2]), column: Number(match[3] ?? 1) }
  }
  return null
}

function codeFrame({ file, line, column }: Place): string | null {
  const source = readSource(file)
  if (source === null) return null
  const lines = source.split('\n')
  const first = Math.max(1, line - CONTEXT_LINES)
  const last = Math.min(lines.length, line + CONTEXT_LINES)
  const width = String(last).length
  const shown: string[] = []
  for (let at = first; at <= last; at++) {
    shown.push(`${at === line ? '>' : ' '} ${String(at).padStart(width)} | ${lines[at - 1]!.slice(0, MAX_LINE_CHARS)}`)
    if (at === line)
      shown.push(`  ${' '.repeat(width)} | ${' '.repeat(Math.max(0, Math.min(column - 1, MAX_LINE_CHARS)))}^`)
  }
  return shown.join('\n')
}

function readSource(file: string): string | null {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return sourceFromMaps(file)
  }
}

/** A bundle's source map carries the sources themselves. */
let entryFile: string | null = null

export function setEntryFile(file: string): void {
  entryFile = file
}

function sourceFromMaps(file: string): string | null {
  const map = entryFile === null ? undefined : process.getBuiltinModule('node:module').findSourceMap(entryFile)
  if (map === undefined || entryFile === null) return null
  const { sources, sourcesContent } = map.payload
  const at = sources.findIndex((source) => fileURLToPath(new URL(source, `file://${entryFile}`)) === file)
  return sourcesContent?.[at] ?? null
}

function printable(value: unknown): string {
  try {
    return typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value))
  } catch {
    return String(value)
  }
}

function cut(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most)}…` : text
}
