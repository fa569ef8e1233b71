/**
 * The parent's side of a runtime: its name and how one of its processes is started. What runs inside is under
 * runtimes/, which nothing on this side imports. A further runtime is an entry in the table here.
 */
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { compileCacheFolder } from './compile-cache.ts'
import type { Command } from './spawn.ts'

export type RuntimeName = 'node'

/** What a worker's environment holds before a function's own variables: what programs need, and nothing secret. */
const PASSED_ON = ['PATH', 'HOME', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR', 'NODE_EXTRA_CA_CERTS']

/** `.ts` when run from the sources, `.js` when built. */
const OWN_EXTENSION = extname(fileURLToPath(import.meta.url))

const NODE_ENTRY = fileURLToPath(new URL(`./runtimes/node/main${OWN_EXTENSION}`, import.meta.url))

const RUNTIMES: Readonly<Record<RuntimeName, () => Command>> = {
  node: () => ({
    file: process.execPath,
    // SIGUSR1 would open the inspector to whoever can signal the process.
    args: ['--disable-sigusr1', '--disable-warning=ExperimentalWarning', NODE_ENTRY],
    env: { ...passedOn(process.env), ...compileCache() },
  }),
}

export function commandOf(runtime: RuntimeName): Command {
  return RUNTIMES[runtime]()
}

/** The worker takes it out of its environment again, before any user code is loaded. */
function compileCache(): Record<string, string> {
  const folder = compileCacheFolder()
  return folder === null ? {} : { NODE_COMPILE_CACHE: folder }
}

function passedOn(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(PASSED_ON.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])))
}
