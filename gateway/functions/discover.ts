/**
 * Finds the functions of a folder: every folder and every code file directly under it is one. Looks, never reads
 * user code and never runs it. What is wrong with one function is a problem of that function and hides no other.
 */
import type { Dirent } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { ConfigError, isJavaScript, type ParsedFunctionFile } from '../config/index.ts'
import { withRoutesOfCode } from './code-routes.ts'
import { concurrently } from './concurrently.ts'
import { detect, type Identity, ofFile } from './detection.ts'
import { type FolderLook, lookAt, type SaidOfRuntimes } from './folder-look.ts'
import { type NetlifyRedirects, netlifyRedirects, redirectsIn } from './netlify-redirects.ts'
import { netlifyFolder } from './node-entry.ts'
import { procfileAdvice } from './platform-files.ts'

/** Where the code of one function lies. */
export interface FunctionSource {
  readonly name: string
  readonly kind: 'folder' | 'file'
  /** Absolute. The function's own folder; for a single file the folder that all functions lie in. */
  readonly dir: string
  /** Absolute path of the module to start from; of the folder where it is a program. */
  readonly entry: string
  readonly identity: Identity
  /** What its own file asks for; null without one. */
  readonly file: ParsedFunctionFile | null
  /** Paths that it asks for besides `/<name>` and `/<name>/*`. */
  readonly routes: readonly string[]
  /** What its author should know and what does not keep it from being served. */
  readonly notes: readonly string[]
}

/** Why something that looks like a function is not one, in words for its author. */
export interface DiscoveryProblem {
  readonly name: string
  readonly message: string
}

export interface Discovery {
  /** Sorted by name. */
  readonly functions: readonly FunctionSource[]
  /** Sorted by name. */
  readonly problems: readonly DiscoveryProblem[]
}

/** The folder of functions does not exist or is not a folder. */
export class MissingFunctionsFolder extends Error {
  override readonly name = 'MissingFunctionsFolder'
  /** Absolute path of where it was looked for. */
  readonly functionsDir: string

  constructor(functionsDir: string, isFile: boolean) {
    const what = isFile
      ? `${functionsDir} is a file, not a folder of functions.`
      : `There is no folder ${functionsDir}.`
    super(
      `${what} Create it and put a function in (for example hello.ts), or name another folder with --functions DIR or \`functions\` in the configuration.`,
    )
    this.functionsDir = functionsDir
  }
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/
const CODE_FILE = /\.(?:[cm]?[jt]s|[jt]sx|py)$/
const NOT_A_FUNCTION = /\.(?:d\.[cm]?ts|test\.[^.]+)$/
const CONCURRENT_LOOKS = 64
const NOTHING_SAID: SaidOfRuntimes = { runtimeNames: [], runtimeOf: () => null }

/** Lists the functions under `functionsDir`. Throws {@link MissingFunctionsFolder}. */
export async function discover(functionsDir: string, said: SaidOfRuntimes = NOTHING_SAID): Promise<Discovery> {
  const root = resolve(functionsDir)
  const entries = (await readFunctionsFolder(root)).filter((entry) => !isIgnored(entry.name))
  const found = await concurrently(entries, CONCURRENT_LOOKS, (entry) => look(root, entry, said))
  const { functions, problems } = withoutDoubles(found.filter((candidate) => candidate !== undefined))
  const redirects = await netlifyRedirects(root)
  return { functions: functions.map((source) => withRedirects(source, redirects)), problems }
}

/** The one function that an entry of `functionsDir` is, or what is wrong with it. */
export async function discoverOne(
  functionsDir: string,
  entryName: string,
  said: SaidOfRuntimes = NOTHING_SAID,
): Promise<{ readonly name: string } & ({ readonly source: FunctionSource } | { readonly problem: string })> {
  const root = resolve(functionsDir)
  const entry = (await readFunctionsFolder(root)).find(({ name }) => name === entryName)
  const seen = entry === undefined ? undefined : await look(root, entry, said)
  const found =
    seen !== undefined && 'source' in seen
      ? { ...seen, source: withRedirects(seen.source, await netlifyRedirects(root)) }
      : seen
  return (
    found ?? { name: entryName, problem: `${join(root, entryName)} is neither a folder nor a file with a function.` }
  )
}

/** The function that a folder is, whatever the folder's place. */
export async function discoverFolder(
  name: string,
  dir: string,
  said: SaidOfRuntimes,
): Promise<{ source: FunctionSource } | { problem: string }> {
  if (!isFunctionName(name)) return { problem: badName(name) }
  try {
    return await lookIntoFolder(name, dir, said)
  } catch (error) {
    if (error instanceof ConfigError) return { problem: error.message }
    return { problem: `${name}/ cannot be read: ${(error as Error).message}` }
  }
}

/** A function called `node_modules` would be a folder of packages to others. */
export function isFunctionName(name: string): boolean {
  return NAME.test(name) && name !== 'node_modules'
}

/** The function that a first path segment under the functions folder belongs to; undefined if it belongs to none. */
export function functionNameOf(segment: string, isFile: boolean): string | undefined {
  if (isIgnored(segment)) return undefined
  if (!isFile) return segment
  return CODE_FILE.test(segment) && !NOT_A_FUNCTION.test(segment) ? segment.replace(CODE_FILE, '') : undefined
}

type Candidate = { readonly name: string; readonly shown: string } & (
  | { readonly source: FunctionSource }
  | { readonly problem: string }
)

function isIgnored(name: string): boolean {
  return name.startsWith('.') || name.startsWith('_') || name === 'node_modules'
}

async function readFunctionsFolder(root: string): Promise<Dirent[]> {
  try {
    return await readdir(root, { withFileTypes: true })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') throw new MissingFunctionsFolder(root, code === 'ENOTDIR')
    throw error
  }
}

async function look(root: string, entry: Dirent, said: SaidOfRuntimes): Promise<Candidate | undefined> {
  const path = join(root, entry.name)
  const kind = await kindOf(path, entry)
  if (kind === 'other') return undefined
  const name = functionNameOf(entry.name, kind === 'file')
  if (name === undefined) return undefined
  const shown = kind === 'folder' ? `${entry.name}/` : entry.name
  if (!NAME.test(name)) return { name, shown, problem: badName(shown) }
  if (kind === 'file')
    return {
      name,
      shown,
      ...(await withCode({
        name,
        kind,
        dir: root,
        entry: path,
        routes: [],
        notes: [],
        ...ofFile(path, said.runtimeOf(name)),
      })),
    }
  try {
    return { name, shown, ...(await lookIntoFolder(name, path, said)) }
  } catch (error) {
    if (error instanceof ConfigError) return { name, shown, problem: error.message }
    return { name, shown, problem: `${shown} cannot be read: ${(error as Error).message}` }
  }
}

async function kindOf(path: string, entry: Dirent): Promise<'folder' | 'file' | 'other'> {
  const seen = entry.isSymbolicLink() ? await stat(path).catch(() => entry) : entry
  if (seen.isDirectory()) return 'folder'
  return seen.isFile() ? 'file' : 'other'
}

function badName(shown: string): string {
  return `${shown} cannot be served under this name: use 1 to 63 letters, digits, "-", "_" and ".", beginning with a letter or digit.`
}

async function lookIntoFolder(
  name: string,
  dir: string,
  said: SaidOfRuntimes,
): Promise<{ source: FunctionSource } | { problem: string }> {
  const seen = await lookAt(name, dir, said)
  if ('problem' in seen) return seen
  const found = await detect(seen)
  if ('problem' in found) {
    const advice = await procfileAdvice(name, dir)
    return advice === null ? found : { problem: `${found.problem} ${advice}` }
  }
  const notes = [...(await siteNotes(name, seen)), ...found.notes]
  const whole = await withCode({ name, kind: 'folder', dir, routes: seen.file?.routes ?? [], ...found, notes })
  if ('problem' in whole || !(seen.names.has('_redirects') || seen.names.has('netlify.toml'))) return whole
  return { source: withRedirects(whole.source, await redirectsIn(dir)) }
}

/** A site that is served as one function may be meant as its functions. */
async function siteNotes(name: string, look: FolderLook): Promise<string[]> {
  const folder = look.file === null ? await netlifyFolder(look) : null
  if (folder === null) return []
  return [
    `the functions in ${name}/${folder} are not looked for there: copy each of them into the folder of functions, or serve that one with --functions`,
  ]
}

/** With the redirects of its site that lead to it. */
function withRedirects(source: FunctionSource, { byFunction, notes }: NetlifyRedirects): FunctionSource {
  const own = byFunction.get(source.name)
  if (own === undefined || !isJavaScript(source.identity.runtime)) {
    return source.identity.format === 'netlify' && notes.length > 0
      ? { ...source, notes: [...source.notes, ...notes] }
      : source
  }
  const { platform } = source.identity
  const identity = { ...source.identity, platform: { ...platform, rules: [...(platform?.rules ?? []), ...own.rules] } }
  return { ...source, identity, routes: [...new Set([...source.routes, ...own.routes])] }
}

async function withCode(source: FunctionSource): Promise<{ source: FunctionSource } | { problem: string }> {
  const found = await withRoutesOfCode(source)
  return 'problem' in found ? found : { source: found }
}

function withoutDoubles(found: readonly Candidate[]): Discovery {
  const byName = new Map<string, Candidate[]>()
  for (const candidate of found) byName.set(candidate.name, [...(byName.get(candidate.name) ?? []), candidate])
  const functions: FunctionSource[] = []
  const problems: DiscoveryProblem[] = []
  for (const [name, candidates] of [...byName].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const only = candidates[0] as Candidate
    if (candidates.length > 1) problems.push({ name, message: sameName(name, candidates) })
    else if ('source' in only) functions.push(only.source)
    else problems.push({ name, message: only.problem })
  }
  return { functions, problems }
}

function sameName(name: string, candidates: readonly Candidate[]): string {
  const all = candidates.map((candidate) => candidate.shown).sort()
  return `${all.slice(0, -1).join(', ')} and ${all.at(-1)} are both the function "${name}": rename or remove all but one.`
}
