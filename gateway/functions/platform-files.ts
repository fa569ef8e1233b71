/**
 * Configuration files of other platforms in a function's folder, for `inspect`: which keys of each the gateway reads,
 * which it ignores, and the `function.json` that says the same. A reader that starts to use a key adds its path to
 * {@link FILES}; nothing here decides how a function is served.
 */
import { readdir, readFile } from 'node:fs/promises'
import { extname, join, relative } from 'node:path'
import { FORMATS } from '../config/index.ts'
import { asObject, asText, DataFileProblem, readDataFile } from './data-file.ts'
import type { FunctionSource } from './discover.ts'

export interface PlatformFileReport {
  readonly file: string
  /** Paths of keys that decide how this function is served, such as `functions.hello.handler`. */
  readonly read: readonly string[]
  /** Paths of keys that do nothing here; the shortest that hold nothing that is read. */
  readonly ignored: readonly string[]
  /** Why nothing of it could be read; null where it was. */
  readonly problem: string | null
  /** What to write for what it asks for and does not get; null: nothing. */
  readonly advice: string | null
}

export interface PlatformReport {
  readonly platformFiles: readonly PlatformFileReport[]
  /** The `function.json` that says the same as those; null where there are none, or when it is not known. */
  readonly functionFile: object | null
}

type Described = Pick<FunctionSource, 'name' | 'dir' | 'entry' | 'identity'> & {
  /** As the worker found it, or as it is stated; null: not known. */
  readonly format: string | null
}

interface Row {
  readonly names: readonly string[]
  /** Paths of the keys that are read; `*` stands for any one key or index. */
  readonly reads: readonly string[]
  /** The same for those that are read where the detection names the file as what decided. */
  readonly readsToStart?: readonly string[]
  /** Whether it is a file of this function at all. Default: it is. */
  readonly isUsed?: (described: Described) => boolean
  readonly advice?: (data: Readonly<Record<string, unknown>>, described: Described) => string | null
}

/** The detection names the file that decided. */
const named = ({ identity }: Described, file: string): boolean => identity.why.includes(file)

const FILES: readonly Row[] = [
  {
    names: ['serverless.yml', 'serverless.yaml', 'serverless.json'],
    reads: [],
    readsToStart: [
      'provider.name',
      'provider.runtime',
      'provider.httpApi.payload',
      'functions.*.handler',
      'functions.*.runtime',
      'functions.*.url',
      'functions.*.events',
      'functions.*.*.handler',
      'functions.*.*.runtime',
      'functions.*.*.url',
      'functions.*.*.events',
    ],
  },
  {
    names: ['template.yaml', 'template.yml', 'template.json'],
    reads: [],
    readsToStart: ['Globals.Function', 'Resources.*.Properties'].flatMap((path) =>
      ['Handler', 'Runtime', 'CodeUri', 'Events', 'FunctionUrlConfig'].map((key) => `${path}.${key}`),
    ),
  },
  {
    names: ['wrangler.json', 'wrangler.jsonc', 'wrangler.toml'],
    reads: ['vars', 'rules', 'pages_build_output_dir'],
    readsToStart: ['main'],
  },
  { names: ['vercel.json'], reads: [], readsToStart: ['rewrites', 'redirects', 'routes'] },
  { names: ['netlify.toml'], reads: ['redirects', 'build.publish'] },
  { names: ['deno.json', 'deno.jsonc'], reads: ['imports', 'importMap'] },
  {
    names: ['host.json'],
    reads: ['extensions.http.routePrefix'],
    isUsed: ({ format }) => format === 'azure',
  },
  {
    names: ['stack.yml', 'stack.yaml'],
    reads: [],
    readsToStart: ['functions.*.lang', 'functions.*.handler'],
    isUsed: ({ format }) => format === 'openfaas',
  },
  { names: ['Procfile'], reads: [], advice: adviceOfProcfile },
]

/** What lies in the folder of a function that was found. */
export async function platformReport(source: FunctionSource, format: string | null): Promise<PlatformReport> {
  const described = { ...source, format }
  const names = new Set(source.kind === 'folder' ? await readdir(source.dir).catch(() => []) : [])
  const found = FILES.flatMap((row) => row.names.filter((name) => names.has(name)).map((file) => ({ row, file })))
  const reports = await Promise.all(found.map(({ row, file }) => report(row, file, described)))
  return { platformFiles: reports, functionFile: reports.length === 0 ? null : statedFunctionFile(described, reports) }
}

async function report(row: Row, file: string, described: Described): Promise<PlatformFileReport> {
  try {
    const data = await dataOf(join(described.dir, file))
    const isUsed = row.isUsed?.(described) ?? true
    const toStart = named(described, file) ? (row.readsToStart ?? []) : []
    const reads = isUsed ? [...row.reads, ...toStart].map((path) => path.split('.')) : []
    const seen = { read: [], ignored: [] }
    collect(data, reads, '', seen)
    return { file, ...seen, problem: null, advice: row.advice?.(data, described) ?? null }
  } catch (error) {
    if (!(error instanceof DataFileProblem)) throw error
    return { file, read: [], ignored: [], problem: error.message, advice: null }
  }
}

async function dataOf(path: string): Promise<Readonly<Record<string, unknown>>> {
  return path.endsWith('Procfile') ? readProcfile(path) : asObject(await readDataFile(path))
}

/** `reads`: what is read of this value, as what is left of the paths that lead here. */
function collect(
  value: unknown,
  reads: readonly (readonly string[])[],
  path: string,
  seen: { read: string[]; ignored: string[] },
): void {
  for (const [key, inner] of Object.entries(value as object)) {
    const own = path === '' ? key : `${path}.${key}`
    const left = reads.filter(([first]) => first === '*' || first === key).map(([, ...rest]) => rest)
    if (left.some((rest) => rest.length === 0)) seen.read.push(own)
    else if (left.length > 0 && typeof inner === 'object' && inner !== null) collect(inner, left, own, seen)
    else seen.ignored.push(own)
  }
}

const PROCESS = /^([\w-]+):\s*(.+?)\s*$/

/** The processes that a Procfile names, with the command of each. */
async function readProcfile(path: string): Promise<Readonly<Record<string, string>>> {
  const text = await readFile(path, 'utf8').catch(() => '')
  const lines = text.split('\n').map((line) => PROCESS.exec(line))
  return Object.fromEntries(lines.flatMap((match) => (match === null ? [] : [[match[1]!, match[2]!]])))
}

function adviceOfProcfile(data: Readonly<Record<string, unknown>>, { name }: Described): string | null {
  const web = asText(data.web)
  return web === null ? null : `To start its web process, write ${name}/function.json: ${commandFile(web)}`
}

/** Null without a Procfile that names a web process. */
export async function procfileAdvice(name: string, dir: string): Promise<string | null> {
  const { web } = await readProcfile(join(dir, 'Procfile'))
  return web === undefined ? null : `Its Procfile starts a server: write ${name}/function.json: ${commandFile(web)}`
}

/** Words alone are started as they are; variables and the like need a shell. */
function commandFile(line: string): string {
  const isPlain = /^[\w./:=@,+ -]+$/.test(line) && !/^\w+=/.test(line)
  return JSON.stringify({ command: isPlain ? line.split(/ +/) : ['sh', '-c', `exec ${line}`] })
}

/** The `function.json` with which the folder is served as it is now, whatever else lies in it. */
function statedFunctionFile(described: Described, reports: readonly PlatformFileReport[]): object | null {
  const { dir, entry, identity, format } = described
  const { runtime, command, platform } = identity
  const own = IMPLIED.has(runtime) ? {} : { runtime }
  if (command !== null) return { ...own, command }
  if (format === null) return null
  const isNamed = reports.some(({ file, read }) => read.length > 0 && named(described, file))
  const handler = handlerOf(relative(dir, entry), identity.handler, format, isNamed)
  return {
    ...own,
    ...(FORMATS.some((name) => name === format) && { format }),
    ...(handler !== null && { handler }),
    ...(platform?.payload !== undefined && { payload: platform.payload }),
  }
}

const IMPLIED = new Set<string>(['node', 'python', 'http'])
/** Formats that find their functions themselves. */
const WITHOUT_HANDLER = new Set(['azure', 'methods'])

/** `isNamed`: without a word in function.json the module to start from is another. */
function handlerOf(entry: string, name: string | null, format: string, isNamed: boolean): string | null {
  // A folder of functions is found by what lies in it.
  if (!isNamed || WITHOUT_HANDLER.has(format) || extname(entry) === '') return name
  const module = entry.slice(0, entry.length - extname(entry).length)
  return `${module}.${name ?? (format === 'lambda' ? 'handler' : 'default')}`
}
