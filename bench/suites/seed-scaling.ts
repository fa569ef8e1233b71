/**
 * The seed's auto-scaling log, as an acceptance test of the pool: minimum 2, maximum 5, idle 3 s; a hundred tasks, a
 * pause of 10 s, a hundred tasks, stop. What must come of it: 5 start, 3 stop, 2 stay, 3 new start, 5 stop.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { WarmPool } from '../../warmpool/index.ts'
import type { Suite } from '../lib/suite.ts'
import { mustBe, mustBeNone } from '../lib/verdict.ts'

const MIN_WORKERS = 2
const MAX_WORKERS = 5
const IDLE_MS = 3_000
const PAUSE_MS = 10_000
const TASKS = 100
/** So long that five workers are busy with them for two seconds: all have booted before the tasks run out. */
const TASK_MS = 100
const NAP = new URL('../task-peers/tasks/nap.ts', import.meta.url)

interface Change {
  readonly atMs: number
  readonly phase: string
  readonly what: string
  readonly pid: number
  /** Those of the function, once it had happened. */
  readonly workers: number
}

interface Phase {
  readonly name: string
  readonly workersAtItsEnd: number
}

export const seedScaling: Suite = {
  name: 'seed-scaling',
  question: `Does the pool grow from ${MIN_WORKERS} to ${MAX_WORKERS} under load, shrink when idle, and grow again, and to nothing else?`,
  async run(_, progress) {
    const { changes, phases, failed } = await runLog(progress)
    const count = (phase: string, what: string): number =>
      changes.filter((change) => change.phase === phase && change.what.startsWith(what)).length
    const [first, idle, second, stop] = phases.map(({ name }) => name) as [string, string, string, string]
    return {
      conditions: [
        `Minimum ${MIN_WORKERS}, maximum ${MAX_WORKERS}, idle ${IDLE_MS / 1000} s, one task at a time in a worker; ${TASKS} tasks of ${TASK_MS} ms, a pause of ${PAUSE_MS / 1000} s, ${TASKS} tasks, stop.`,
        'Not measured in rounds: what counts is the order of events.',
      ],
      table: {
        head: ['at s', 'during', 'what', 'process', 'workers then'],
        rows: changes.map(({ atMs, phase, what, pid, workers }) => [
          (atMs / 1000).toFixed(2),
          phase,
          what,
          String(pid),
          workers,
        ]),
      },
      drawing: {
        title: 'Workers at the end of each phase',
        unit: '',
        bars: phases.map(({ name, workersAtItsEnd }) => ({ label: name, value: workersAtItsEnd })),
      },
      findings: [
        mustBe(5, { measure: `${first}: workers that start`, value: count(first, 'start') }),
        mustBe(3, { measure: `${idle}: workers that stop`, value: count(idle, 'stop') }),
        mustBe(2, { measure: `${idle}: workers that stay`, value: phases[1]!.workersAtItsEnd }),
        mustBe(3, { measure: `${second}: workers that start`, value: count(second, 'start') }),
        mustBe(5, { measure: `${stop}: workers that stop`, value: count(stop, 'stop') }),
        mustBeNone({ measure: 'failed tasks', value: failed }),
        mustBeNone({
          measure: 'starts and stops besides these',
          value:
            changes.length - count(first, 'start') - count(idle, 'stop') - count(second, 'start') - count(stop, 'stop'),
        }),
      ],
      raw: { changes, phases },
    }
  },
}

async function runLog(progress: (line: string) => void) {
  const defaults = { minWorkers: MIN_WORKERS, maxWorkers: MAX_WORKERS, idleTimeoutMs: IDLE_MS, concurrency: 1 }
  const pool = new WarmPool({ blanks: 0, defaults: { ...defaults, queue: { max: TASKS, timeoutMs: 60_000 } } })
  const startedAtMs = performance.now()
  const changes: Change[] = []
  const phases: Phase[] = []
  let phase = ''
  let workers = 0
  let failed = 0
  const note = (what: string, pid: number): void => {
    changes.push({ atMs: performance.now() - startedAtMs, phase, what, pid, workers })
    progress(`${phase}: ${what}, ${workers} workers`)
  }
  pool.on('loaded', ({ pid }) => {
    workers++
    note('start', pid)
  })
  pool.on('death', ({ pid, reason }) => {
    workers--
    note(`stop (${reason})`, pid)
  })
  const during = async (name: string, work: () => Promise<unknown>): Promise<void> => {
    phase = name
    await work()
    phases.push({ name, workersAtItsEnd: workers })
  }
  const tasks = async (): Promise<void> => {
    const runs = await Promise.allSettled(Array.from({ length: TASKS }, () => pool.run(NAP, TASK_MS)))
    failed += runs.filter(({ status }) => status === 'rejected').length
  }
  try {
    await during(`${TASKS} tasks`, tasks)
    await during('the pause', () => pause(PAUSE_MS))
    await during(`${TASKS} more tasks`, tasks)
  } finally {
    await during('the stop', () => pool.close())
  }
  return { changes, phases, failed }
}
