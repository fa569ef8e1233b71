/**
 * Where the program of a runtime is: installed into the state folder, else on PATH where it is of the right major
 * version. Asked again at each boot, so that what is added while the gateway runs is found.
 */
import { spawnSync } from 'node:child_process'
import { accessSync, constants, readdirSync, readFileSync, rmSync } from 'node:fs'
import { delimiter, isAbsolute, join } from 'node:path'
import { RuntimeMissing } from '../../warmpool/index.ts'
import type { Config } from '../config/index.ts'

export interface LocatedRuntime {
  readonly runtime: string
  readonly version: string
  readonly file: string
  readonly from: 'installed' | 'PATH' | 'gateway'
}

/** What an installed runtime's folder says of itself. */
export const RECORD_FILE = 'runtime.json'
export const RUNTIMES_FOLDER = 'runtimes'

const VERSION_TIMEOUT_MS = 5_000

/** Versions of programs on PATH: asking starts them. */
const versions = new Map<string, string | null>()

/** The program, or of a runtime of the operator's own the whole command. Throws RuntimeMissing with what to do. */
export function locateRuntime(
  { stateDir, runtimes }: Pick<Config, 'stateDir' | 'runtimes'>,
  runtime: string,
): string | [program: string, ...args: string[]] {
  const own = runtimes[runtime]
  if (own !== undefined) return ownCommand(runtime, own.command)
  const located = findRuntime(stateDir, runtime)
  if (located === null) throw new RuntimeMissing(missingRuntime(runtime))
  return located.file
}

function ownCommand(runtime: string, [program = '', ...args]: readonly string[]): [string, ...string[]] {
  if ((isAbsolute(program) && isProgram(program)) || programsOnPath(program).length > 0) return [program, ...args]
  const where = program.includes('/') ? 'is not there or cannot be executed' : 'is not on PATH'
  throw new RuntimeMissing(
    `runtime ${runtime} starts ${program}, which ${where}: see runtimes.${runtime}.command in the configuration`,
  )
}

export function missingRuntime(runtime: string): string {
  return `runtime ${runtime} is not installed: npx wrangler-free runtime add ${runtime}`
}

export function findRuntime(stateDir: string, runtime: string): LocatedRuntime | null {
  return installed(stateDir, runtime) ?? ownNode(runtime) ?? onPath(runtime)
}

export function installedRuntimes(stateDir: string): LocatedRuntime[] {
  return namesIn(join(stateDir, RUNTIMES_FOLDER)).flatMap((name) => installed(stateDir, name) ?? [])
}

/** False: it was not installed. Workers that run with it go on. */
export function removeRuntime(stateDir: string, runtime: string): boolean {
  if (installed(stateDir, runtime) === null) return false
  rmSync(join(stateDir, RUNTIMES_FOLDER, runtime), { recursive: true })
  return true
}

function installed(stateDir: string, runtime: string): LocatedRuntime | null {
  const folder = join(stateDir, RUNTIMES_FOLDER, runtime)
  try {
    const { version, program } = JSON.parse(readFileSync(join(folder, RECORD_FILE), 'utf8'))
    const file = join(folder, program)
    return isProgram(file) ? { runtime, version, file, from: 'installed' } : null
  } catch {
    // Absent: what is half installed has another name.
    return null
  }
}

function ownNode(runtime: string): LocatedRuntime | null {
  const version = process.versions.node
  return runtime === `node@${Number.parseInt(version, 10)}`
    ? { runtime, version, file: process.execPath, from: 'gateway' }
    : null
}

function onPath(runtime: string): LocatedRuntime | null {
  const [name = '', major] = runtime.split('@')
  for (const file of programsOnPath(name)) {
    const version = versionOf(file)
    if (version !== null && (major === undefined || version.split('.')[0] === major))
      return { runtime, version, file, from: 'PATH' }
  }
  return null
}

function programsOnPath(name: string): string[] {
  if (name.includes('/')) return []
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => isAbsolute(folder))
  return folders.map((folder) => join(folder, name)).filter(isProgram)
}

/** `1.4.5` of `v1.4.5` or `deno 1.4.5 (…)`; null where the program does not run. */
export function versionOf(file: string): string | null {
  const known = versions.get(file)
  if (known !== undefined) return known
  const { status, stdout } = spawnSync(file, ['--version'], { encoding: 'utf8', timeout: VERSION_TIMEOUT_MS })
  const version = status === 0 ? (/\d+\.\d+\.\d+/.exec(stdout)?.[0] ?? null) : null
  versions.set(file, version)
  return version
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort()
  } catch {
    return []
  }
}
