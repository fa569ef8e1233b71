/**
 * Mistakes in a configuration, as data and as calm text. A {@link ConfigError} carries all that were found, each with
 * the place, what was found there, what is allowed, and where the value came from. Secrets are never printed.
 */
import { closestMatch } from 'leven'
import * as z from 'zod'
import { kinds, schemaAt, unwrap } from './fields.ts'
import { configSchema } from './schema.ts'

export type KeyPath = readonly PropertyKey[]

export interface ConfigProblem {
  /** `value`: a value that is not allowed. `unknown-key`: a key that does not exist. `file`: it could not be read. */
  readonly kind: 'value' | 'unknown-key' | 'file'
  /** Key path such as `routes[0].path`; for a file that could not be read its `file:line:column`. */
  readonly path: string
  /** What was found, as text; for a file that could not be read what is wrong with it. */
  readonly found: string
  readonly allowed: string
  /** What was probably meant. */
  readonly suggestion?: string
  /** Where it was written: a file's path, `flag --port`, `variable WRANGLER_FREE_PORT`. */
  readonly source: string
  /** The lines around the mistake, when it is one of syntax. */
  readonly frame?: string
}

/** Nobody reads more at once, and looking for what was meant takes time. */
const MOST_PROBLEMS = 50
/** Longer than any key that there is. */
const MOST_SUGGESTED_CHARS = 64

/** All mistakes of one reading. Its message is the text for people. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly problems: readonly ConfigProblem[]
  /** Absolute paths of the files that were read on the way, the configuration file first. */
  readonly files: readonly string[]

  constructor(problems: readonly ConfigProblem[], files: readonly string[] = []) {
    super(formatProblems(problems))
    this.problems = problems
    this.files = files
  }
}

/** The text for people: one paragraph a source, one line a mistake. */
export function formatConfigError(error: ConfigError): string {
  return error.message
}

/** What the schema refused, one problem a place. `sourceOf` tells where a path was written. */
export function problemsOf(
  error: z.ZodError,
  written: unknown,
  sourceOf: (path: KeyPath) => string,
  root: z.ZodType = configSchema,
): ConfigProblem[] {
  const problems = new Map<string, ConfigProblem>()
  for (const issue of error.issues) {
    for (const problem of problemsOfIssue(issue, written, sourceOf, root)) {
      if (problems.size === MOST_PROBLEMS) return [...problems.values()]
      if (!problems.has(problem.path)) problems.set(problem.path, problem)
    }
  }
  return [...problems.values()]
}

/** A key path as one would write it: `routes[0].path`, `overrides["my fn"].timeout`. */
export function showPath(path: KeyPath): string {
  let shown = ''
  for (const step of path) {
    if (typeof step === 'number') shown += `[${step}]`
    else if (/^[\w-]+$/.test(String(step))) shown += shown === '' ? String(step) : `.${String(step)}`
    else shown += `[${JSON.stringify(String(step))}]`
  }
  return shown
}

/** A found value in a few words. */
export function showValue(value: unknown, secret = false): string {
  if (value === undefined) return 'nothing'
  if (typeof value === 'string') {
    if (secret) return value === '' ? 'empty text' : `text of ${value.length} characters`
    return JSON.stringify(value.length > 80 ? `${value.slice(0, 79)}…` : value)
  }
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'function') return 'a function'
  if (typeof value === 'object' && value !== null) return 'an object'
  return secret && value !== null ? `a ${typeof value}` : String(value)
}

/** The candidate that was probably meant; `undefined` when none is near. */
export function suggest(found: string, candidates: readonly string[]): string | undefined {
  if (found.length > MOST_SUGGESTED_CHARS) return undefined
  const near = closestMatch(
    found.toLowerCase(),
    candidates.map((candidate) => candidate.toLowerCase()),
    {
      maxDistance: Math.min(found.length - 1, Math.max(2, Math.ceil(found.length / 3))),
    },
  )
  return candidates.find((candidate) => candidate.toLowerCase() === near)
}

function problemsOfIssue(
  issue: z.core.$ZodIssue,
  written: unknown,
  sourceOf: (path: KeyPath) => string,
  root: z.ZodType,
): ConfigProblem[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys
      .slice(0, MOST_PROBLEMS)
      .map((key) => unknownKey(issue.path, key, sourceOf([...issue.path, key]), root))
  }
  const source = sourceOf(issue.path)
  const path = showPath(issue.path)
  const schema = schemaAt(root, issue.code === 'invalid_key' ? issue.path.slice(0, -1) : issue.path)
  if (issue.code === 'invalid_key' && schema instanceof z.ZodRecord) {
    return [{ kind: 'value', path, found: showValue(issue.path.at(-1)), allowed: allowedBy(schema.keyType), source }]
  }
  const value = valueAt(written, issue.path)
  const secret = schema !== undefined && kinds.get(schema as z.ZodType)?.secret
  const problem = { kind: 'value', path, found: showValue(value, secret), allowed: allowedBy(schema), source } as const
  const meant = schema instanceof z.ZodEnum && typeof value === 'string' && suggest(value, schema.options as string[])
  return [meant ? { ...problem, suggestion: meant } : problem]
}

function unknownKey(parent: KeyPath, key: string, source: string, root: z.ZodType): ConfigProblem {
  const schema = schemaAt(root, parent)
  const keys = schema instanceof z.ZodObject ? Object.keys(schema.shape) : []
  const suggestion = suggest(key, keys)
  const path = showPath([...parent, key])
  const problem = { kind: 'unknown-key', path, found: 'unknown key', allowed: keys.join(', '), source } as const
  return suggestion ? { ...problem, suggestion } : problem
}

function allowedBy(schema: z.core.$ZodType | undefined): string {
  return (schema && kinds.get(unwrap(schema) as z.ZodType)?.allowed) ?? ''
}

function valueAt(root: unknown, path: KeyPath): unknown {
  let at = root
  for (const step of path) {
    if (typeof at !== 'object' || at === null) return undefined
    at = (at as Record<PropertyKey, unknown>)[step]
  }
  return at
}

function formatProblems(problems: readonly ConfigProblem[]): string {
  const sources = Map.groupBy(problems, (problem) => problem.source)
  return [...sources].map(([source, found]) => formatSource(source, found)).join('\n')
}

function formatSource(source: string, problems: readonly ConfigProblem[]): string {
  const unreadable = problems.some((problem) => problem.kind === 'file')
  const isAll = problems.length < MOST_PROBLEMS
  const mistakes = problems.length === 1 ? '1 mistake' : `${problems.length}${isAll ? '' : ' or more'} mistakes`
  const width = Math.max(...problems.map((problem) => problem.path.length))
  const gap = width === 0 ? '' : '   '
  const lines = problems.map((problem) => `  ${problem.path.padEnd(width)}${gap}${formatProblem(problem)}`)
  return [`${source} ${unreadable ? 'cannot be used' : `has ${mistakes}`}:`, ...lines].join('\n')
}

function formatProblem(problem: ConfigProblem): string {
  if (problem.kind === 'file') return problem.frame ? `${problem.found}\n\n${problem.frame}\n` : problem.found
  const meant = problem.suggestion && `did you mean ${JSON.stringify(problem.suggestion)}?`
  if (problem.kind === 'unknown-key') return `${problem.found}; ${meant ?? `allowed: ${problem.allowed}`}`
  const found = problem.found === 'nothing' ? 'missing' : `found ${problem.found}`
  return [found, `allowed: ${problem.allowed}`, ...(meant ? [meant] : [])].join('; ')
}
