/**
 * The machine's own share in a slower answer: as much CPU as the strikes used, burnt by plain processes that have
 * nothing to do with the gateway. What callers wait longer then, they wait for the machine, not for the gateway.
 */
import { type ChildProcess, spawn } from 'node:child_process'

const TURN_MS = 20

export class Burden {
  readonly #children: ChildProcess[]

  /** `cores`: how many are to be busy, such as 0.7. */
  constructor(cores: number) {
    const count = Math.ceil(cores)
    const busyMs = (cores / count) * TURN_MS
    const script = `setInterval(() => { for (const until = performance.now() + ${busyMs}; performance.now() < until; ); }, ${TURN_MS})
process.on('disconnect', () => process.exit())`
    this.#children = Array.from({ length: count }, () =>
      spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] }),
    )
  }

  end(): void {
    for (const child of this.#children) child.kill('SIGKILL')
  }
}
