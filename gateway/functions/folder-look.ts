/**
 * What detection looks at in a function's folder: names, `package.json`, `function.json` and a Worker's `wrangler.jsonc`.
 * No code is read.
 */
import { readdir, readFile, stat } from 'node:fs/promises'
import { join, relative, resolve, sep } from 'node:path'
import {
  type Config,
  FUNCTION_FILE,
  type FunctionRuntime,
  type ParsedFunctionFile,
  parseFunctionFile,
  readFunctionFile,
} from '../config/index.ts'
import { azureV3Problem, isAzureV3 } from './azure-v3.ts'
import { type WorkerFile, workerFile } from './wrangler-file.ts'

/** What the configuration says of runtimes: which there are besides ours, and which functions are run by another. */
export type SaidOfRuntimes = Pick<Config, 'runtimeNames' | 'runtimeOf'>

const MOST_PACKAGE_BYTES = 1024 * 1024

export interface PackageFile {
  readonly main: string | null
  readonly module: string | null
  readonly dependencies: ReadonlySet<string>
  readonly scripts: readonly string[]
}

export interface FolderLook {
  readonly name: string
  readonly dir: string
  /** Of files and folders directly in it. */
  readonly names: ReadonlySet<string>
  readonly package: PackageFile | null
  readonly file: ParsedFunctionFile | null
  /** A Worker's own configuration. */
  readonly worker: WorkerFile | null
  /** What the operator's override says that runs it; null: nothing. */
  readonly overridden: FunctionRuntime | null
}

/** Throws ConfigError for mistakes in `function.json`; a `package.json` that is none is a problem. */
export async function lookAt(
  name: string,
  dir: string,
  said: SaidOfRuntimes,
): Promise<FolderLook | { readonly problem: string }> {
  const names = new Set(await readdir(dir))
  const shown = `${name}/${FUNCTION_FILE}`
  const text = names.has(FUNCTION_FILE) ? await readFunctionFile(join(dir, FUNCTION_FILE), shown) : null
  if (text !== null && isAzureV3(text)) return { problem: azureV3Problem(name, [name]) }
  const file = text === null ? null : parseFunctionFile(text, shown, said.runtimeNames)
  const manifest = names.has('package.json') ? await readPackage(name, dir) : null
  if (manifest !== null && 'problem' in manifest) return manifest
  const worker = await workerFile(dir, names)
  return { name, dir, names, package: manifest, file, worker, overridden: said.runtimeOf(name) }
}

/** The absolute path of a file that is named relative to the folder and lies in it; null when there is none. */
export async function fileIn(dir: string, path: string): Promise<string | null> {
  const file = resolve(dir, path)
  const inside = relative(dir, file)
  if (inside === '' || inside.split(sep)[0] === '..') return null
  return (await stat(file).catch(() => null))?.isFile() === true ? file : null
}

/** The first of these names that the folder has, as an absolute path. */
export function firstOf(look: FolderLook, names: readonly string[]): string | null {
  const found = names.find((name) => look.names.has(name))
  return found === undefined ? null : join(look.dir, found)
}

async function readPackage(name: string, dir: string): Promise<PackageFile | { readonly problem: string }> {
  let manifest: unknown
  try {
    const path = join(dir, 'package.json')
    const { size } = await stat(path)
    if (size > MOST_PACKAGE_BYTES) throw new Error(`it has ${size} bytes, and ${MOST_PACKAGE_BYTES} are read at most`)
    manifest = JSON.parse(await readFile(path, 'utf8'))
  } catch (error) {
    return { problem: `${name}/package.json cannot be read: ${(error as Error).message}` }
  }
  const fields = (manifest ?? {}) as Record<string, unknown>
  const text = (value: unknown): string | null => (typeof value === 'string' ? value : null)
  return {
    main: text(fields.main),
    module: text(fields.module),
    dependencies: new Set(Object.keys((fields.dependencies ?? {}) as object)),
    scripts: Object.values((fields.scripts ?? {}) as object).filter((script) => typeof script === 'string'),
  }
}
