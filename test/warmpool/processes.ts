/** Looking at real processes from outside, for tests that kill them. Linux only, as the tests are. */
import { readdirSync, readFileSync } from 'node:fs'
import { expect, vi } from 'vitest'

/** True while the process runs; one that died and that nobody has waited for is gone. */
export function isAlive(pid: number): boolean {
  const state = readStat(pid)?.state
  return state !== undefined && state !== 'Z' && state !== 'X'
}

export async function whenGone(pids: readonly number[]): Promise<void> {
  await vi.waitUntil(() => !pids.some(isAlive), { timeout: 30_000, interval: 5 })
}

export function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((child) => isAlive(child) && readStat(child)?.parent === pid)
}

/** Sees to it that a failed test leaves nothing behind. */
export function killAll(pids: readonly number[]): void {
  for (const pid of pids) {
    expect(pid).toBeGreaterThan(1)
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It is gone, as it should be.
    }
  }
}

interface Stat {
  readonly state: string
  readonly parent: number
  readonly group: number
  readonly session: number
}

/** Null: there is no such process. */
export function readStat(pid: number): Stat | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const [state, parent, group, session] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return { state: state!, parent: Number(parent), group: Number(group), session: Number(session) }
  } catch {
    return null
  }
}
