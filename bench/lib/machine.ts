/** On what a result was measured: without that, a number means nothing. */
import { spawnSync } from 'node:child_process'
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))

export interface Circumstances {
  readonly date: string
  /** Of the measured sources; `isDirty` when they had changes beyond it. */
  readonly commit: { readonly id: string; readonly isDirty: boolean }
  readonly machine: {
    readonly cpu: string
    readonly cores: number
    readonly memoryBytes: number
    readonly kernel: string
    /** Processes that ran or wanted to, on average of the minute before: far above 0, others were using the machine. */
    readonly loadBefore: number
  }
  /** null: not installed. */
  readonly versions: Readonly<Record<string, string | null>>
}

export function circumstances(): Circumstances {
  return {
    date: new Date().toISOString(),
    commit: {
      id: git('rev-parse', '--short=12', 'HEAD') ?? 'unknown',
      isDirty: git('status', '--porcelain', '--', 'gateway', 'warmpool', 'bin') !== '',
    },
    machine: {
      cpu: cpus()[0]?.model ?? 'unknown',
      cores: availableParallelism(),
      memoryBytes: totalmem(),
      kernel: release(),
      loadBefore: loadavg()[0]!,
    },
    versions: {
      node: process.versions.node,
      v8: process.versions.v8,
      wrk: version('wrk', ['--version']),
      nginx: version('nginx', ['-v']),
    },
  }
}

/** null: not installed. */
function version(command: string, args: readonly string[]): string | null {
  // Some say it on stderr, and wrk ends with 1 after it.
  const { stdout, stderr, error } = spawnSync(command, [...args], { encoding: 'utf8' })
  if (error !== undefined) return null
  return `${stdout}${stderr}`.match(/\d+\.\d+[\w.-]*/)?.[0] ?? 'unknown'
}

/** null when git is not there, or this is not a clone. */
function git(...args: readonly string[]): string | null {
  const { stdout, status } = spawnSync('git', [...args], { cwd: ROOT, encoding: 'utf8' })
  return status === 0 ? stdout.trim() : null
}
