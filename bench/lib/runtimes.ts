/**
 * The runtimes that the seed's levels are measured on, and the sandboxes around them: by the commands that start them.
 * What is not installed is missing here and named.
 */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { inTaskPeers } from './task-peers.ts'

export interface Runtime {
  readonly name: string
  readonly executable: string
  /** Asks by orders; see levels/probe.ts. */
  readonly probe: readonly string[]
  /** What a process of it runs when only its start counts. */
  readonly empty: readonly string[]
  readonly hasRealms: boolean
  /** Whether the pool's own workers can be of it. */
  readonly hasPool: boolean
}

export interface Sandbox {
  readonly name: string
  /** Put before a command. */
  readonly command: readonly string[]
}

const installed = (path: string): string => fileURLToPath(new URL(`../node_modules/${path}`, import.meta.url))

const WANTED_RUNTIMES: readonly Runtime[] = [
  javascript('Node 26', process.execPath, true),
  javascript('Node 24', installed('node-24/bin/node'), true),
  javascript('Bun', installed('bun/bin/bun.exe'), false),
  python('Python', pythonsOwnPath()),
]

const BWRAP = '--unshare-all --die-with-parent --ro-bind / / --dev /dev --proc /proc --'

const WANTED_SANDBOXES: readonly Sandbox[] = [
  { name: 'process in namespaces (unshare)', command: ['unshare', '-mnpiuf', '--kill-child'] },
  { name: 'process in a sandbox (bwrap)', command: ['bwrap', ...BWRAP.split(' ')] },
]

export const runtimes = WANTED_RUNTIMES.filter(({ executable }) => existsSync(executable))
export const sandboxes = WANTED_SANDBOXES.filter(({ command }) => works([...command, 'true']))

/** A sentence for each that is missing. */
export const missingInWords: readonly string[] = [
  ...WANTED_RUNTIMES.filter((one) => !runtimes.includes(one)).map(({ name }) => `Skipped: ${name} is not installed.`),
  ...WANTED_SANDBOXES.filter((one) => !sandboxes.includes(one)).map(
    ({ name, command }) => `Skipped: ${name}, for ${command[0]} is not installed, or not allowed to.`,
  ),
]

/** `Node 26 is 26.10.0, …`. */
export function versionsInWords(): string {
  const versions = runtimes.map(({ name, executable }) => {
    const { stdout } = spawnSync(executable, ['--version'], { encoding: 'utf8' })
    return `${name} is ${stdout.match(/\d[\d.]*/)?.[0]}`
  })
  return `${versions.join(', ')}.`
}

function javascript(name: string, executable: string, hasPool: boolean): Runtime {
  return {
    name,
    executable,
    probe: [executable, inTaskPeers('levels/probe.ts')],
    empty: [executable, inTaskPeers('levels/empty.js')],
    hasRealms: true,
    hasPool,
  }
}

function python(name: string, executable: string): Runtime {
  return {
    name,
    executable,
    probe: [executable, inTaskPeers('levels/probe.py')],
    empty: [executable, inTaskPeers('levels/empty.py')],
    hasRealms: false,
    hasPool: false,
  }
}

/** Past any version manager's shim, whose own start is not Python's. */
function pythonsOwnPath(): string {
  const { stdout } = spawnSync('python3', ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' })
  return stdout?.trim() ?? ''
}

function works([file, ...args]: readonly string[]): boolean {
  return spawnSync(file!, args, { stdio: 'ignore' }).status === 0
}
