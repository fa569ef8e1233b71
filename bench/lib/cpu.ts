/**
 * CPU time (user and system) of a process and everything below it, from /proc. Of children that end in between, the
 * time comes from their parent, which has waited for them: so nothing is lost, whatever is recycled. The system counts
 * in ticks of 10 ms a process.
 */
import { execFileSync } from 'node:child_process'
import { readTree } from './processes.ts'
import { sum } from './stats.ts'

const TICK_MS = 1000 / Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))

/** Milliseconds used so far; the difference of two readings is what was used in between. */
export function treeCpuMs(rootPid: number): number {
  return sum(readTree(rootPid).map(({ ownTicks, deadChildrenTicks }) => ownTicks + deadChildrenTicks)) * TICK_MS
}
