/**
 * Whether one worker's event loop turns: it is pinged every now and then, and stands still while the answer is overdue.
 */
import type { FrameWriter } from './wire/frame-writer.ts'
import { FRAME } from './wire/frames.ts'

export class Heartbeat {
  readonly #writer: FrameWriter
  #pingedAtMs = 0
  #answeredAtMs = 0

  constructor(writer: FrameWriter) {
    this.#writer = writer
  }

  onPong(nowMs: number): void {
    this.#answeredAtMs = nowMs
  }

  /** True when it owes an answer for longer than the limit. Where it owes none it is pinged as it is time. */
  hasStopped(nowMs: number, pingEveryMs: number, limitMs: number): boolean {
    if (this.#pingedAtMs > this.#answeredAtMs) return nowMs - this.#pingedAtMs > limitMs
    if (nowMs - this.#pingedAtMs >= pingEveryMs) {
      this.#pingedAtMs = nowMs
      this.#writer.empty(FRAME.ping, 0)
    }
    return false
  }
}
