/**
 * The machine's own share in a slower answer: processor time that is burnt by processes which have nothing to do with
 * what is measured, as many and in bursts as long as those of the load that they stand for.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { availableParallelism, cpus } from 'node:os'
import { pinServer } from './pinning.ts'

/** From here on the machine has nothing left, and who wants more has to wait: then these never pause. */
const ALL_BUSY = 0.9

/** How many cores are busy on average while something goes on, whoever keeps them so. */
export async function busyCores<T>(during: () => Promise<T>): Promise<{ readonly cores: number; readonly result: T }> {
  const [before, startedAtMs] = [busyMs(), performance.now()]
  const result = await during()
  return { cores: (busyMs() - before) / (performance.now() - startedAtMs), result }
}

function busyMs(): number {
  return cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0)
}

export class Burden {
  readonly #children: ChildProcess[]

  /** `cores`: how many all of them together keep busy. */
  constructor(processes: number, cores: number, burstMs: number) {
    const isAll = cores >= ALL_BUSY * availableParallelism()
    const pauseMs = isAll ? 0 : burstMs * Math.max(0, processes / cores - 1)
    const script = `const burn = () => {
  for (const until = performance.now() + ${burstMs}; performance.now() < until; );
  ${pauseMs < 1 ? 'setImmediate(burn)' : `setTimeout(burn, ${Math.round(pauseMs)})`}
}
process.on('disconnect', () => process.exit())
burn()`
    const [file, ...args] = [...pinServer, process.execPath, '-e', script]
    this.#children = Array.from({ length: processes }, () =>
      spawn(file!, args, { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] }),
    )
  }

  async end(): Promise<void> {
    const gone = this.#children.map((child) => new Promise((resolve) => child.once('exit', resolve)))
    for (const child of this.#children) child.kill('SIGKILL')
    await Promise.all(gone)
  }
}
