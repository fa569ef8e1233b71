/**
 * How much of the machine did nothing lately, measured between one look and the next: the less of the last two, since one
 * quiet moment of a busy machine is no free core.
 */
import { availableParallelism, cpus } from 'node:os'

export const CORES = availableParallelism()

export class IdleCores {
  #idleMs = 0
  #totalMs = 0
  #lastShare = 1
  /** 0 to 1. A machine that was never looked at counts as idle. */
  share = 1

  constructor() {
    this.look()
    this.share = 1
    this.#lastShare = 1
  }

  look(): void {
    let idleMs = 0
    let totalMs = 0
    for (const { times } of cpus()) {
      idleMs += times.idle
      totalMs += times.idle + times.user + times.sys + times.nice + times.irq
    }
    const passedMs = totalMs - this.#totalMs
    if (passedMs > 0) {
      const share = (idleMs - this.#idleMs) / passedMs
      this.share = Math.min(share, this.#lastShare)
      this.#lastShare = share
    }
    this.#idleMs = idleMs
    this.#totalMs = totalMs
  }
}
