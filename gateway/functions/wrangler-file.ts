/**
 * A Worker's own configuration, `wrangler.json`, `wrangler.jsonc` or `wrangler.toml`: where it starts, its variables, what
 * its imports besides code become, and whether it is a project of Pages. A file that cannot be read says nothing: the
 * folder is then looked at as any other, with a note.
 */
import { join } from 'node:path'
import { asObject, asText, DataFileProblem, readDataFile } from './data-file.ts'
import type { ModuleKind, ModuleRule } from './workers-modules.ts'

/** In the order in which wrangler looks for them. */
const FILES = ['wrangler.json', 'wrangler.jsonc', 'wrangler.toml']
const KINDS: Readonly<Record<string, ModuleKind>> = { Text: 'text', Data: 'data', CompiledWasm: 'wasm' }
/** Of these a function would miss something. The others say how Cloudflare deploys and routes it. */
const NOT_READ = [
  'ai',
  'analytics_engine_datasets',
  'assets',
  'browser',
  'd1_databases',
  'durable_objects',
  'email',
  'env',
  'hyperdrive',
  'kv_namespaces',
  'queues',
  'r2_buckets',
  'send_email',
  'services',
  'site',
  'triggers',
  'vectorize',
  'workflows',
]

export interface WorkerFile {
  readonly file: string
  /** Where the Worker starts; null where the file does not say. */
  readonly main: string | null
  readonly vars: Readonly<Record<string, unknown>>
  readonly rules: readonly ModuleRule[]
  /** True: `pages_build_output_dir` makes it a project of Pages. */
  readonly isPages: boolean
  /** What its author should know. */
  readonly note: string | null
}

/** `names`: the names in the folder. */
export async function workerFile(dir: string, names: ReadonlySet<string>): Promise<WorkerFile | null> {
  const file = FILES.find((name) => names.has(name))
  if (file === undefined) return null
  try {
    const said = asObject(await readDataFile(join(dir, file)))
    return {
      file,
      main: asText(said.main),
      vars: asObject(said.vars),
      rules: rulesOf(said.rules),
      isPages: asText(said.pages_build_output_dir) !== null,
      note: noteOf(file, said),
    }
  } catch (error) {
    if (!(error instanceof DataFileProblem)) throw error
    const note = `${file} cannot be read: ${error.message}`
    return { file, main: null, vars: {}, rules: [], isPages: false, note }
  }
}

function rulesOf(said: unknown): ModuleRule[] {
  if (!Array.isArray(said)) return []
  return said.map(asObject).flatMap(({ type, globs }) => {
    const kind = typeof type === 'string' ? KINDS[type] : undefined
    if (kind === undefined || !Array.isArray(globs)) return []
    return [{ kind, globs: globs.filter((glob) => typeof glob === 'string') }]
  })
}

function noteOf(file: string, said: Readonly<Record<string, unknown>>): string | null {
  const found = NOT_READ.filter((key) => said[key] !== undefined)
  if (found.length === 0) return null
  return `of ${file} main, vars and rules are read, and ${found.join(', ')} not: see docs/coming-from/cloudflare-workers.md`
}
