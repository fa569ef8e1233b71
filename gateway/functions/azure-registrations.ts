/**
 * Reads the routes of an Azure app off its text, without running it: they have to lead here before the first call, as
 * `/api/<route>` does on Azure. Followed are the modules from which it starts and what they import from their own
 * folder. What is computed cannot be read, and is told with the line to write in function.json instead.
 */
import { readFileSync, statSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename, dirname, extname, join, resolve } from 'node:path'
import type * as esbuild from 'esbuild'
import * as bundler from '../bundler.ts'
import { modulesOf } from './azure-entry.ts'
import { azurePaths } from './azure-paths.ts'
import { asObject, readDataFile } from './data-file.ts'
import { readLiteral, UNREADABLE } from './literal.ts'

export interface AzureRegistrations {
  /** What stands before every route, without slashes at its ends. */
  readonly prefix: string
  /** In our own syntax; the function itself chooses among what it has registered, and knows the methods. */
  readonly routes: readonly string[]
  /** What could not be read, for the author. */
  readonly notes: readonly string[]
}

/** More than this is no app of functions: the rest is found by its folder's name alone. */
const MAX_MODULES = 500
const ENDINGS = ['', '.ts', '.mts', '.cts', '.tsx', '.js', '.mjs', '.cjs', '/index.ts', '/index.js', '/index.mjs']
const CODE_FILE = /\.(?:[cm]?[jt]s|[jt]sx)$/
const IMPORTED = /(?:\bfrom\s*|\bimport\s*\(?\s*|\brequire\s*\(\s*)(["'])(\.{1,2}(?:\/[^"'\n]*)?)\1/g
/** The first argument where it is written out, up to the second. esbuild has put texts in double quotes or backticks. */
const NAME = /\s*(?:"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`\\$]*`)\s*,\s*/y
const IMPORTS_PACKAGE =
  /^\s*import\s+(?!type\b)[^'"]*['"]@azure\/functions['"]|\brequire\(\s*['"]@azure\/functions['"]/m
const CALLS_APP = /\.\s*(?:http|get|post|put|patch|deleteRequest)\(\s*['"`\w]/
const TRIGGERS = [
  'timer',
  'storageBlob',
  'storageQueue',
  'serviceBusQueue',
  'serviceBusTopic',
  'eventHub',
  'eventGrid',
  'cosmosDB',
  'generic',
]
const REGISTERS = ['http', 'get', 'post', 'put', 'patch', 'deleteRequest']

/** Whether the text of a module is an Azure app's: it imports more than types, and calls what they register with. */
export function registersWithAzure(text: string): boolean {
  return text.includes('@azure/functions') && IMPORTS_PACKAGE.test(text) && CALLS_APP.test(text)
}

/** `entry`: the module, or the package.json whose `main` names several with a pattern; `dir`: where host.json lies. Throws DataFileProblem for a broken one. */
export async function readAzureRegistrations(dir: string, entry: string): Promise<AzureRegistrations> {
  const prefix = await routePrefix(dir)
  const routes = new Set<string>()
  const notes = new Set<string>()
  for (const text of await textsFrom(startsOf(entry))) {
    for (const { name, route } of registrations(text)) {
      if (typeof route === 'string') for (const path of azurePaths(`${prefix}/${route}`)) routes.add(path)
      else notes.add(unreadable(name, prefix))
    }
    for (const { name, method } of triggers(text)) notes.add(uncalled(name, method))
  }
  return { prefix, routes: [...routes], notes: [...notes] }
}

/** `/api` without a slash, unless host.json says otherwise. Throws DataFileProblem. */
async function routePrefix(dir: string): Promise<string> {
  const file = join(dir, 'host.json')
  if (!isFile(file)) return 'api'
  const host = asObject(await readDataFile(file))
  const { routePrefix: said } = asObject(asObject(host.extensions).http)
  return typeof said === 'string' ? said.replace(/^\/+|\/+$/g, '') : 'api'
}

function startsOf(entry: string): string[] {
  if (basename(entry) !== 'package.json') return [entry]
  const { main } = JSON.parse(readFileSync(entry, 'utf8')) as { main: string }
  return modulesOf(dirname(entry), main).map((path) => join(dirname(entry), path))
}

/** Of these modules and of all that they import from their own folder, as JavaScript. */
async function textsFrom(starts: readonly string[]): Promise<string[]> {
  const files = new Set(starts)
  const texts: string[] = []
  for (const file of files) {
    if (files.size > MAX_MODULES) break
    const text = await asJavaScript(file)
    texts.push(text)
    for (const [, , path] of text.matchAll(IMPORTED)) {
      const found = located(resolve(dirname(file), path!))
      if (found !== null) files.add(found)
    }
  }
  return texts
}

/** What is no code is told by the build, with more words. */
async function asJavaScript(file: string): Promise<string> {
  try {
    const loader = (/^\.[cm]?(ts|js)$/.exec(extname(file))?.[1] ?? extname(file).slice(1)) as esbuild.Loader
    const { code } = await bundler.transform(await readFile(file, 'utf8'), { loader, logLevel: 'silent' })
    return code
  } catch {
    return ''
  }
}

/** TypeScript's sources may name `./x.js` and mean `./x.ts`. */
function located(path: string): string | null {
  const candidates = [...ENDINGS.map((ending) => path + ending), path.replace(/\.([cm]?)js$/, '.$1ts')]
  return candidates.find((one) => CODE_FILE.test(one) && isFile(one)) ?? null
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true
}

interface Registration {
  readonly name: string | null
  readonly route: unknown
}

/** The calls of `app.http('name', { … })` and its like. */
function registrations(text: string): Registration[] {
  return callsOfApp(text, REGISTERS).map((call) => registration(text, call[1]!, call.index + call[0].length))
}

/** Functions that something else than HTTP would call. */
function triggers(text: string): { readonly name: string; readonly method: string }[] {
  return callsOfApp(text, TRIGGERS).flatMap((call) => {
    const at = call.index + call[0].length
    NAME.lastIndex = at
    return NAME.test(text) ? [{ name: String(readLiteral(text, at)), method: call[1]! }] : []
  })
}

/** Whatever the module calls `app`. */
function callsOfApp(text: string, methods: readonly string[]): RegExpExecArray[] {
  if (!text.includes('@azure/functions')) return []
  const aliases = [...text.matchAll(/\bapp(?: as |: )([A-Za-z_$][\w$]*)/g)].map(([, alias]) => alias!)
  const names = ['app', ...aliases].map((name) => name.replaceAll('$', '\\$'))
  return [...text.matchAll(new RegExp(`\\b(?:${names.join('|')})\\.(${methods.join('|')})\\(`, 'g'))]
}

/** `at`: behind the opening bracket. */
function registration(text: string, method: string, at: number): Registration {
  NAME.lastIndex = at
  const found = NAME.exec(text)
  if (found === null) return { name: null, route: UNREADABLE }
  const name = String(readLiteral(text, at))
  const optionsAt = at + found[0].length
  // Of GET and its like the second may be the handler alone; of `http` it is always options.
  if (text[optionsAt] !== '{') return { name, route: method === 'http' ? UNREADABLE : name }
  try {
    const { route = name } = readLiteral(text, optionsAt) as { route?: unknown }
    return { name, route }
  } catch {
    return { name, route: UNREADABLE }
  }
}

function unreadable(name: string | null, prefix: string): string {
  const what = name === null ? 'The name of a function' : `The route of "${name}"`
  const example = `"routes": ["/${prefix === '' ? '' : `${prefix}/`}${name ?? 'hello'}"]`
  return `${what} is computed, so it cannot be read before the app runs: it answers under the folder's name, and elsewhere with the routes in function.json, such as ${example}`
}

function uncalled(name: string, trigger: string): string {
  return `"${name}" (${trigger}) is not called here, only HTTP is: let cron or a consumer call an address`
}
