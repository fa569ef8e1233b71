/** A pool for one test: closed afterwards, its invariants looked at, and its events kept to be waited for. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect } from 'vitest'
import {
  brokenInvariants,
  type DeathEvent,
  type FunctionDefaults,
  type PoolEvents,
  WarmPool,
  type WarmPoolOptions,
} from '../../warmpool/index.ts'

export const BEHAVE = new URL('./tasks/behave.mjs', import.meta.url).href
export const BROKEN = new URL('./tasks/broken.mjs', import.meta.url).href

const pools: WarmPool[] = []
const folders: string[] = []

afterEach(async () => {
  for (const pool of pools.splice(0)) {
    expect(brokenInvariants(pool.status())).toEqual([])
    await pool.close(0)
    expect(pool.status().pool.workers).toBe(0)
  }
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
})

export function makePool(defaults: FunctionDefaults = {}, options: Omit<WarmPoolOptions, 'defaults'> = {}): WarmPool {
  const pool = new WarmPool({ ...options, defaults })
  pools.push(pool)
  return pool
}

export function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'warmpool-'))
  folders.push(folder)
  return folder
}

/** Resolves with the first event of the kind that fits. */
export function nextEvent<K extends keyof PoolEvents>(
  pool: WarmPool,
  kind: K,
  fits: (event: PoolEvents[K][0]) => boolean = () => true,
): Promise<PoolEvents[K][0]> {
  return new Promise((resolve) => {
    const listener = (event: PoolEvents[K][0]): void => {
      if (!fits(event)) return
      pool.off(kind, listener as never)
      resolve(event)
    }
    pool.on(kind, listener as never)
  })
}

export function collectDeaths(pool: WarmPool): DeathEvent[] {
  const deaths: DeathEvent[] = []
  pool.on('death', (event) => deaths.push(event))
  return deaths
}

/** Waits for a condition over the outside world, which tells nobody when it changes. */
export async function eventually(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5))
}

export function isAlive(pid: number): boolean {
  try {
    // A zombie has no status that is worth waiting for.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

export function linesOf(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n').slice(0, -1)
  } catch {
    return []
  }
}
