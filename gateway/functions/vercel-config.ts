/**
 * What `vercel.json` says of paths: `rewrites`, `redirects`, and the older `routes`, as far as they lead to functions of
 * the `api` folder.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { PathRule } from '../../warmpool/index.ts'
import { asObject, asText, DataFileProblem, readDataFile } from './data-file.ts'
import { regexPattern, routeOfSource, vercelPattern } from './path-rules.ts'

export interface VercelConfig {
  readonly rules: readonly PathRule[]
  /** In our own syntax. */
  readonly routes: readonly string[]
  readonly notes: readonly string[]
}

const NOTHING: VercelConfig = { rules: [], routes: [], notes: [] }
const TO_FUNCTION = /^\/?api(?:\/|$|\?|\.)/

export async function vercelConfig(dir: string): Promise<VercelConfig> {
  if (!existsSync(join(dir, 'vercel.json'))) return NOTHING
  try {
    const said = asObject(await readDataFile(join(dir, 'vercel.json')))
    const found = [...redirectsIn(said), ...rewritesIn(said), ...olderRoutesIn(said)]
    return {
      rules: found.flatMap(({ rule }) => (rule === null ? [] : [rule])),
      routes: [...new Set(found.flatMap(({ rule, source }) => (rule === null ? [] : [routeOfSource(source)])))],
      notes: found.flatMap(({ why, source }) => (why === null ? [] : [`vercel.json: the rule for ${source} ${why}`])),
    }
  } catch (error) {
    if (!(error instanceof DataFileProblem)) throw error
    return { ...NOTHING, notes: [`vercel.json cannot be read: ${error.message}`] }
  }
}

interface Found {
  readonly source: string
  readonly rule: PathRule | null
  /** Why there is no rule. */
  readonly why: string | null
}

function rewritesIn(said: Readonly<Record<string, unknown>>): Found[] {
  // Grouped by phase, or all behind the files.
  const grouped = Object.values(asObject(said.rewrites)).flat()
  return listOf(Array.isArray(said.rewrites) ? said.rewrites : grouped).map((one) => {
    const { source, destination } = endsOf(one)
    const why = whyNot(one) ?? whyNoFunction(destination)
    if (why !== null) return { source, rule: null, why }
    return { source, rule: { ...vercelPattern(source), to: destination, status: 200 }, why }
  })
}

function redirectsIn(said: Readonly<Record<string, unknown>>): Found[] {
  return listOf(said.redirects).map((one) => {
    const { source, destination } = endsOf(one)
    const why = whyNot(one)
    if (why !== null) return { source, rule: null, why }
    const permanent = one.permanent === false ? 307 : 308
    const status = typeof one.statusCode === 'number' ? one.statusCode : permanent
    return { source, rule: { ...vercelPattern(source), to: destination, status }, why }
  })
}

function olderRoutesIn(said: Readonly<Record<string, unknown>>): Found[] {
  return listOf(said.routes).flatMap((one): Found[] => {
    const source = asText(one.src)
    const destination = asText(one.dest)
    if (source === null || destination === null) return []
    const why = whyNot(one) ?? whyNoFunction(destination)
    if (why !== null) return [{ source, rule: null, why }]
    return [{ source, rule: { ...regexPattern(source), to: destination, status: 200 }, why }]
  })
}

function endsOf(one: Readonly<Record<string, unknown>>): { readonly source: string; readonly destination: string } {
  return { source: asText(one.source) ?? '', destination: asText(one.destination) ?? '' }
}

function listOf(value: unknown): Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? value.map(asObject) : []
}

function whyNot(one: Readonly<Record<string, unknown>>): string | null {
  if (one.has !== undefined || one.missing !== undefined) return 'has conditions ("has", "missing"), which are not read'
  return one.methods === undefined ? null : 'is for some methods only, which is not read'
}

function whyNoFunction(destination: string): string | null {
  return TO_FUNCTION.test(destination) ? null : `leads to ${destination}, which is no function of the api folder`
}
