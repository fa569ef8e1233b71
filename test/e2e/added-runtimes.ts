/**
 * Runtimes for tests, installed from npm by the command of the command line into a state folder of the test file's own.
 * Without npm's registry there are none, and what needs them is skipped; in CI that is a failure.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll } from 'vitest'
import { runtimePackage, thisMachine } from '../../gateway/runtimes/runtime-package.ts'

const BIN = fileURLToPath(new URL('../../bin/wrangler-free.js', import.meta.url))

export interface AddedRuntimes {
  readonly state: string
  /** Those that are there: all that were asked for, or none. */
  readonly names: readonly string[]
  /** The command `runtime` over that state folder. */
  run(...args: string[]): { readonly status: number | null; readonly stdout: string; readonly stderr: string }
}

/** To be called outside of tests. Throws when one cannot be installed that should. */
export function addRuntimes(...wanted: readonly string[]): AddedRuntimes {
  const state = mkdtempSync(join(tmpdir(), 'wrangler-free-runtimes-'))
  afterAll(() => rmSync(state, { recursive: true, force: true }))
  const run = (...args: string[]) =>
    spawnSync(process.execPath, [BIN, 'runtime', ...args, '--state', state], { encoding: 'utf8', cwd: state })
  const names = isReachable() || process.env.CI !== undefined ? wanted : []
  for (const name of names) {
    const { status, stderr } = run('add', name)
    if (status !== 0) throw new Error(`${name}: ${stderr}`)
  }
  return { state, names, run }
}

function isReachable(): boolean {
  const { packageName } = runtimePackage('bun', thisMachine())
  return spawnSync('npm', ['view', packageName, 'version', '--fetch-retries=0']).status === 0
}
