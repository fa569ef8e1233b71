/**
 * The parent's side of a runtime: its name and how one of its processes is started. What runs inside is under
 * runtimes/, which nothing on this side imports. A further runtime is an entry in the table here.
 */
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { compileCacheFolder } from './compile-cache.ts'
import type { Command } from './spawn.ts'

export type RuntimeName = 'node' | 'python'

/** What a worker's environment holds before a function's own variables: what programs need, and nothing secret. */
const PASSED_ON = ['PATH', 'HOME', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR', 'NODE_EXTRA_CA_CERTS']

const IS_BUILT = import.meta.url.endsWith('.js')

let nodeEntry: string | null = null

const RUNTIMES: Readonly<Record<RuntimeName, () => Command>> = {
  node: () => ({
    file: process.execPath,
    // SIGUSR1 would open the inspector to whoever can signal the process.
    args: ['--disable-sigusr1', '--disable-warning=ExperimentalWarning', nodeEntryFile()],
    env: { ...passedOn(process.env), ...compileCache() },
  }),
  python: () => ({
    file: 'python3',
    args: [...pythonCache(), ownPath('runtimes/python/main.py')],
    env: passedOn(process.env),
  }),
}

export function commandOf(runtime: RuntimeName): Command {
  return RUNTIMES[runtime]()
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

/** Where Python keeps this runtime compiled; it forgets that before any user code is loaded. */
function pythonCache(): string[] {
  const folder = compileCacheFolder()
  return folder === null ? ['-B'] : ['-X', `pycache_prefix=${folder}`]
}

function passedOn(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(PASSED_ON.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])))
}
