/**
 * How long the longest turn of this thread's event loop was, in processor time: what others do on the machine does not
 * count. The loop never sleeps while it is measured.
 */

/** An ending of which nothing is longer than a turn's own work. */
export class TurnProbe {
  longestMs = 0
  #isOver = false
  #lastUs = 0

  constructor() {
    this.#lastUs = cpuUs()
    setImmediate(this.#turn)
  }

  stop(): number {
    this.#isOver = true
    return this.longestMs
  }

  readonly #turn = (): void => {
    const nowUs = cpuUs()
    this.longestMs = Math.max(this.longestMs, (nowUs - this.#lastUs) / 1000)
    this.#lastUs = nowUs
    if (!this.#isOver) setImmediate(this.#turn)
  }
}

function cpuUs(): number {
  const { user, system } = process.threadCpuUsage()
  return user + system
}
