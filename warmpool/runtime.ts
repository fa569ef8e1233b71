/**
 * The parent's side of a runtime: its name and how one of its processes is started. What runs inside is under
 * runtimes/, which nothing on this side imports. `node` (the one that runs this) and `python` are always known; of
 * `node@NN`, `bun` and `deno` the program that uses the pool says where they are, and of any other the whole command.
 */
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { compileCacheFolder } from './compile-cache.ts'
import type { Command } from './spawn.ts'
import { cachedDoor, doorName } from './system-door/file.ts'
import { SYSTEM_DOOR } from './wire/variables.ts'

/** `node`, `python`, `node@24`, `bun`, `deno`, or one that the locator knows. */
export type RuntimeName = string

/**
 * The program of a runtime that is not always there; as a list the whole command, for a runtime of one's own that speaks
 * docs/protocol.md. Throws an error that says what to do where there is none.
 */
export type RuntimeLocator = (runtime: RuntimeName) => string | readonly [program: string, ...args: string[]]

/** There is no such program: trying again does not help until somebody has done something. */
export class RuntimeMissing extends Error {
  override readonly name = 'RuntimeMissing'
}

/** What a worker's environment holds before a function's own variables: what programs need, and nothing secret. */
const PASSED_ON = ['PATH', 'HOME', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR', 'NODE_ENV', 'NODE_EXTRA_CA_CERTS']

const IS_BUILT = import.meta.url.endsWith('.js')

let nodeEntry: string | null = null
let door: string | null = null

// SIGUSR1 would open the inspector to whoever can signal the process.
const NODE_ARGS = ['--disable-sigusr1', '--disable-warning=ExperimentalWarning']
/** Nothing of the folder in which the gateway runs becomes a worker's: no `.env`, no settings, nothing installed. */
const BUN_ARGS = ['--no-install', '--no-env-file', '--config=/dev/null']
/**
 * Nor is anything kept from one worker for the next: Deno holds its caches open for writing as long as it runs, compiled
 * code among them, and what a function puts there the next worker would run before it is confined.
 */
const DENO_ENV = { DENO_NO_UPDATE_CHECK: '1', DENO_DIR: '/dev/null/none' }
const DENO_ARGS = ['run', '--allow-all', '--no-config', '--no-lock', '--no-remote', '--node-modules-dir=manual']

/** Throws {@link RuntimeMissing}. */
export function commandOf(runtime: RuntimeName, locate: RuntimeLocator = locateNothing): Command {
  if (runtime === 'python') {
    const args = [...pythonCache(), ownPath('runtimes/python/main.py')]
    return { file: 'python3', args, env: passedOn(process.env) }
  }
  const env = passedOn(process.env)
  const file = runtime === 'node' ? process.execPath : locate(runtime)
  if (typeof file !== 'string') return { file: file[0], args: file.slice(1), env }
  switch (runtime.split('@')[0]) {
    case 'node':
      return {
        file,
        args: [...NODE_ARGS, nodeEntryFile()],
        env: { ...env, ...compileCache(), ...systemDoor() },
      }
    case 'bun':
      return { file, args: [...BUN_ARGS, nodeEntryFile()], env: { ...env, ...systemDoor() } }
    case 'deno':
      return {
        file,
        args: [...DENO_ARGS, nodeEntryFile()],
        env: { ...env, ...systemDoor(), ...DENO_ENV },
      }
    default:
      throw new RuntimeMissing(`there is no runtime "${runtime}"`)
  }
}

function locateNothing(runtime: RuntimeName): never {
  throw new RuntimeMissing(`the runtime "${runtime}" is not known to this pool: see its option "locateRuntime"`)
}

/** The runtime in one file; its sources where there is no folder that can be trusted with that. */
function nodeEntryFile(): string {
  nodeEntry ??= IS_BUILT ? ownPath('runtimes/node/main.cjs') : bundledSources('runtimes/node/main.ts')
  return nodeEntry
}

function bundledSources(entry: string): string {
  const folder = compileCacheFolder()
  if (folder === null) return ownPath(entry)
  // Not imported: the built package has the bundle, and no use for what makes it.
  const bundling = createRequire(import.meta.url)('./runtime-bundle.ts') as typeof import('./runtime-bundle.ts')
  return bundling.cachedRuntimeBundle(ownPath(entry), [ownPath('runtimes/node'), ownPath('wire')], folder)
}

function ownPath(path: string): string {
  return fileURLToPath(new URL(path, import.meta.url))
}

/** The worker takes it out of its environment again, before any user code is loaded. */
function compileCache(): Record<string, string> {
  const folder = compileCacheFolder()
  return folder === null ? {} : { NODE_COMPILE_CACHE: folder }
}

/** What a worker confines itself with. It is taken out of the environment like the compiled code's folder. */
function systemDoor(): Record<string, string> {
  door ??= IS_BUILT
    ? ownPath(`runtimes/node/${doorName(process.arch)}`)
    : cachedDoor(compileCacheFolder(), process.arch)
  return door === null ? {} : { [SYSTEM_DOOR]: door }
}

/** Where Python keeps this runtime compiled; it forgets that before any user code is loaded. */
function pythonCache(): string[] {
  const folder = compileCacheFolder()
  return folder === null ? ['-B'] : ['-X', `pycache_prefix=${folder}`]
}

function passedOn(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(PASSED_ON.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])))
}
