/** Bare starts of Node with an empty script, by a process of its own on the servers' cores: what any start must cost. */
import { fileURLToPath } from 'node:url'
import { pinServer } from './pinning.ts'
import { runCommand } from './run-command.ts'
import type { EmptyStarts } from './start-empties.ts'
import type { Progress } from './suite.ts'

const STARTER = fileURLToPath(new URL('start-empties.ts', import.meta.url))
/** How many at the same time are tried. */
export const AT_A_TIME: readonly number[] = [1, 2, 3, 4, 6, 8]

/** How many at the same time give the most starts in a second. */
export async function bestAtATime(emptyFile: string, progress: Progress): Promise<number> {
  let best = { atATime: 0, startsPerSecond: 0 }
  for (const atATime of AT_A_TIME) {
    const { startsPerSecond } = await startEmpties(emptyFile, atATime, 1)
    progress(`bare starts, ${atATime} at a time: ${startsPerSecond}/s`)
    if (startsPerSecond > best.startsPerSecond) best = { atATime, startsPerSecond }
  }
  return best.atATime
}

export async function startEmpties(emptyFile: string, atATime: number, seconds: number): Promise<EmptyStarts> {
  const words = [process.execPath, STARTER, emptyFile, String(atATime), String(seconds)]
  const [file, ...args] = [...pinServer, ...words]
  return JSON.parse(await runCommand([file!, ...args])) as EmptyStarts
}
