/**
 * What a function's code says of it before it runs. Routes: Netlify's `config`, what an Azure app registers, and the names of the
 * files in Vercel's `api` folder. They have to be known before the first call, so the text is read, and nothing of it
 * is run.
 */
import { readFile } from 'node:fs/promises'
import { basename, relative } from 'node:path'
import { isJavaScript } from '../config/index.ts'
import { readAzureRegistrations, registersWithAzure } from './azure-registrations.ts'
import { DataFileProblem } from './data-file.ts'
import type { FunctionSource } from './discover.ts'
import { isLambdaAlone } from './lambda-marks.ts'
import { NetlifyConfigProblem, readNetlifyConfig } from './netlify-config.ts'
import { isPagesEntry, pagesRoutes } from './pages-files.ts'
import { vercelConfig } from './vercel-config.ts'
import { isVercelEntry, vercelRoutes } from './vercel-files.ts'
import { uncalledHandlers } from './worker-handlers.ts'

const FROM_NETLIFY = /^import\b[^'"]*\bfrom\s*['"]@netlify\/functions['"]/m
/** As a script of a Worker's older form does. */
const ADDS_FETCH_LISTENER = /^[^\n/*]*\baddEventListener\(\s*['"`]fetch['"`]/m
/** Hono's way to the same. */
const FIRES = /^\s*\w+\.fire\(\)/m
/** A default export that is not written out as an object. */
const MAY_BE_FUNCTION = /\bexport\s+default\s+(?!\{)|\bas\s+default\b|\bmodule\.exports\s*=\s*(?!\{)/

/** The function with what its code says of its routes, or why that cannot be read. */
export async function withRoutesOfCode(source: FunctionSource): Promise<FunctionSource | { readonly problem: string }> {
  const { format, runtime, command } = source.identity
  if (format === 'azure') return withAzureRoutes(source)
  const isPythonInApi = runtime === 'python' && relative(source.dir, source.entry).startsWith('api')
  if (format === 'vercel' && (isVercelEntry(source.entry) || isPythonInApi)) {
    const own = await vercelRoutes(source.dir, isPythonInApi)
    return withVercelConfig({ ...source, routes: [...source.routes, ...own] })
  }
  if (format === 'fetch' && isPagesEntry(source.entry))
    return { ...source, routes: [...source.routes, ...(await pagesRoutes(source.dir))] }
  if (format === 'fetch' && isJavaScript(runtime))
    return withServiceWorker(source, await readFile(source.entry, 'utf8').catch(() => ''))
  if (!isJavaScript(runtime) || command !== null || (format !== null && format !== 'netlify')) return source
  const shown = source.kind === 'file' ? basename(source.entry) : `${source.name}/${basename(source.entry)}`
  try {
    const text = await readFile(source.entry, 'utf8')
    const azure = format === null ? azureMark(source.entry, text) : null
    if (azure !== null) return await withAzureRoutes({ ...source, identity: { ...source.identity, ...azure } })
    const config = await readNetlifyConfig(basename(source.entry), text)
    if (config === null && format === null && source.identity.handler === null && isTypedByNetlify(text)) {
      const why = 'it has a default export and imports from @netlify/functions'
      return { ...source, identity: { ...source.identity, format: 'netlify', why } }
    }
    if (config === null) return await withNotes(withServiceWorker(await withLambdaFormat(source, text), text), text)
    const why = format === null ? 'it exports the config of a Netlify function' : source.identity.why
    const identity = { ...source.identity, format: 'netlify', why } as const
    return { ...source, identity, routes: [...source.routes, ...config.routes] }
  } catch (error) {
    if (error instanceof NetlifyConfigProblem) return { problem: `${shown}:${error.line}: ${error.message}` }
    // What is no code is told by the build, with more words.
    return source
  }
}

/** Mostly types, as in Netlify's own examples: of these the exports show nothing. */
function isTypedByNetlify(text: string): boolean {
  return FROM_NETLIFY.test(text) && MAY_BE_FUNCTION.test(text)
}

/** Besides a dependency in package.json: what single files have, and folders in a project that has the package. */
function azureMark(entry: string, text: string): { readonly format: 'azure'; readonly why: string } | null {
  const isPattern = basename(entry) === 'package.json'
  if (!isPattern && !registersWithAzure(text)) return null
  const why = isPattern
    ? '"main" in its package.json is a pattern, as of an Azure app'
    : 'it imports @azure/functions and registers with its app'
  return { format: 'azure', why }
}

async function withAzureRoutes(source: FunctionSource): Promise<FunctionSource | { readonly problem: string }> {
  try {
    const { prefix, routes, notes } = await readAzureRegistrations(source.dir, source.entry)
    const identity =
      prefix === 'api'
        ? source.identity
        : { ...source.identity, platform: { ...source.identity.platform, routePrefix: prefix } }
    return { ...source, identity, routes: [...source.routes, ...routes], notes: [...source.notes, ...notes] }
  } catch (error) {
    if (!(error instanceof DataFileProblem)) throw error
    return {
      problem: `${source.name}/host.json cannot be read: ${error.message}. Correct it, or remove it to serve the app under /api.`,
    }
  }
}

/** Named by `handler`, or the only export that could answer. */
async function withLambdaFormat(source: FunctionSource, text: string): Promise<FunctionSource> {
  const { format, handler } = source.identity
  if (format !== null || !(await isLambdaAlone(basename(source.entry), text, handler))) return source
  const why =
    handler === null
      ? 'its only export that could answer is a Lambda handler'
      : `${source.identity.why}: "handler" names a function of ${relative(source.dir, source.entry)}, as Lambda's setting does`
  return { ...source, identity: { ...source.identity, format: 'lambda', why } }
}

async function withVercelConfig(source: FunctionSource): Promise<FunctionSource> {
  const { rules, routes, notes } = await vercelConfig(source.dir)
  if (rules.length === 0) return { ...source, notes: [...source.notes, ...notes] }
  const identity = { ...source.identity, platform: { ...source.identity.platform, rules } }
  return {
    ...source,
    identity,
    routes: [...new Set([...source.routes, ...routes])],
    notes: [...source.notes, ...notes],
  }
}

/** The older form of a Worker, which finds its globals from its first line on. */
function withServiceWorker(source: FunctionSource, text: string): FunctionSource {
  const isOne = ADDS_FETCH_LISTENER.test(text) || (text.includes('hono') && FIRES.test(text))
  if (source.identity.format === 'lambda' || !isOne) return source
  const why = "it calls addEventListener('fetch', …), the older form of a Worker"
  const platform = { ...source.identity.platform, isServiceWorker: true }
  return { ...source, identity: { ...source.identity, format: 'fetch', platform, why } }
}

async function withNotes(source: FunctionSource, text: string): Promise<FunctionSource> {
  if (source.identity.format !== null) return source
  const found = [await uncalledHandlers(basename(source.entry), text), backgroundNote(source, text)]
  const notes = found.filter((note) => note !== null)
  return notes.length === 0 ? source : { ...source, notes: [...source.notes, ...notes] }
}

/** Which format it is tells its default export, when it is loaded; that the name decides, nobody would guess. */
function backgroundNote({ name }: FunctionSource, text: string): string | null {
  if (!name.endsWith('-background') || !MAY_BE_FUNCTION.test(text)) return null
  return 'its name ends in -background: a default function is run as Netlify does it, answered with 202 at once. Say "format": "fetch" in function.json if it is not meant so'
}
