/**
 * The machine's own share in a slower answer: as much CPU as the strikes used, burnt by plain processes that have
 * nothing to do with the gateway, and in bursts, as theirs is. What callers wait longer then, they wait for the
 * machine and not for the gateway.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { availableParallelism } from 'node:os'

/** A loop that a time-out of 1 s ends is as long a burst. */
const BURST_MS = 1_000

export class Burden {
  readonly #children: ChildProcess[]

  /** `cores`: how many are to be busy on average, such as 0.7: then all are, for a part of the time. */
  constructor(cores: number) {
    const count = availableParallelism()
    const pauseMs = BURST_MS * Math.max(0, count / cores - 1)
    const script = `const burn = () => {
  for (const until = performance.now() + ${BURST_MS}; performance.now() < until; );
  setTimeout(burn, ${Math.round(pauseMs)})
}
process.on('disconnect', () => process.exit())
burn()`
    this.#children = Array.from({ length: count }, () =>
      spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] }),
    )
  }

  end(): void {
    for (const child of this.#children) child.kill('SIGKILL')
  }
}
