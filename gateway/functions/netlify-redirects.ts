/**
 * Redirects of a Netlify site, from `_redirects` and the `[[redirects]]` of `netlify.toml`, as far as they lead to its
 * functions: a rewrite (status 200) or a redirect whose destination is `/.netlify/functions/NAME`.
 */
import { readFile, stat } from 'node:fs/promises'
import { join, sep } from 'node:path'
import type { PathRule } from '../../warmpool/index.ts'
import { asObject, asText, DataFileProblem, readDataFile } from './data-file.ts'
import { netlifyPattern, routeOfSource } from './path-rules.ts'

export interface NetlifyRedirects {
  /** Of each function by its name. */
  readonly byFunction: ReadonlyMap<string, { readonly rules: PathRule[]; readonly routes: string[] }>
  /** What could not be read. */
  readonly notes: readonly string[]
}

interface Redirect {
  readonly from: string
  readonly to: string
  readonly status: number
  readonly query: Readonly<Record<string, string>>
}

const TO_FUNCTION = /^\/\.netlify\/functions\/([^/?#]+)/
const MOST_BYTES = 512 * 1024

/** `root`: the folder of the functions; the site is that folder, or the one that it lies in as `netlify/functions`. */
export async function netlifyRedirects(root: string): Promise<NetlifyRedirects> {
  const site = root.endsWith(`${sep}netlify${sep}functions`) ? join(root, '../..') : root
  return redirectsIn(site)
}

/** Redirects of the site that a folder is. */
export async function redirectsIn(site: string): Promise<NetlifyRedirects> {
  const notes: string[] = []
  const toml = await tomlIn(site, notes)
  const published = asText(asObject(toml.build).publish)
  const lines = [
    ...(await linesOf(join(site, '_redirects'))),
    ...(await linesOf(join(site, published ?? 'public', '_redirects'))),
  ]
  // Those of the file win over those of netlify.toml.
  const all = [...lines.flatMap((line) => redirectOfLine(line) ?? []), ...redirectsOfToml(toml)]
  const byFunction = new Map<string, { rules: PathRule[]; routes: string[] }>()
  for (const { from, to, status, query } of all) {
    const name = TO_FUNCTION.exec(to)?.[1]
    if (name === undefined || !from.startsWith('/')) continue
    const own = byFunction.get(name) ?? { rules: [], routes: [] }
    byFunction.set(name, own)
    own.rules.push({ ...netlifyPattern(from), to, status, ...(Object.keys(query).length > 0 && { query }) })
    const route = routeOfSource(from)
    if (!own.routes.includes(route)) own.routes.push(route)
  }
  return { byFunction, notes }
}

async function tomlIn(site: string, notes: string[]): Promise<Readonly<Record<string, unknown>>> {
  const file = join(site, 'netlify.toml')
  if ((await stat(file).catch(() => null))?.isFile() !== true) return {}
  try {
    return asObject(await readDataFile(file))
  } catch (error) {
    if (!(error instanceof DataFileProblem)) throw error
    notes.push(`netlify.toml cannot be read: ${error.message}`)
    return {}
  }
}

function redirectsOfToml(toml: Readonly<Record<string, unknown>>): Redirect[] {
  if (!Array.isArray(toml.redirects)) return []
  return toml.redirects.map(asObject).flatMap((one) => {
    const from = asText(one.from)
    const to = asText(one.to)
    // Conditions are by country, language, role and cookie: none of them is known here.
    if (from === null || to === null || one.conditions !== undefined) return []
    const status = typeof one.status === 'number' ? one.status : 301
    return [{ from, to, status, query: textsOf(one.query) }]
  })
}

/** `/from  id=:id  /to  200!` */
function redirectOfLine(line: string): Redirect | null {
  const words = line
    .replace(/(?:^|\s)#.*$/, '')
    .trim()
    .split(/\s+/)
  const [from = '', ...rest] = words
  const toAt = rest.findIndex((word) => word.startsWith('/') || /^https?:/.test(word))
  const to = rest[toAt]
  if (to === undefined) return null
  const query = Object.fromEntries(rest.slice(0, toAt).map((word) => word.split('=', 2) as [string, string]))
  const [, status = '301'] = /^(\d{3})!?$/.exec(rest[toAt + 1] ?? '') ?? []
  const conditions = rest.slice(toAt + 1).filter((word) => word.includes('='))
  return conditions.length > 0 ? null : { from, to, status: Number(status), query }
}

async function linesOf(file: string): Promise<string[]> {
  const size = (await stat(file).catch(() => null))?.size ?? 0
  if (size === 0 || size > MOST_BYTES) return []
  return (await readFile(file, 'utf8')).split('\n')
}

function textsOf(value: unknown): Record<string, string> {
  return Object.fromEntries(
    Object.entries(asObject(value)).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  )
}
