/**
 * Whether one worker's event loop turns: it is pinged every now and then, and stands still while the answer is overdue.
 */
import { clock } from './running-clock.ts'
import type { FrameWriter } from './wire/frame-writer.ts'
import { FRAME } from './wire/frames.ts'

export class Heartbeat {
  readonly #writer: FrameWriter
  #pingedAtMs = 0
  #answeredAtMs = 0
  /** It owes an answer: time that this process stands still is not its own. */
  #isOwing = false

  constructor(writer: FrameWriter) {
    this.#writer = writer
  }

  onPong(nowMs: number): void {
    this.#answeredAtMs = nowMs
    this.end()
  }

  /** It owes nothing any longer. */
  end(): void {
    if (this.#isOwing) clock.release()
    this.#isOwing = false
  }

  /** True when it owes an answer for longer than the limit. Where it owes none it is pinged as it is time. */
  hasStopped(nowMs: number, pingEveryMs: number, limitMs: number): boolean {
    if (this.#pingedAtMs > this.#answeredAtMs) return nowMs - this.#pingedAtMs > limitMs
    if (nowMs - this.#pingedAtMs >= pingEveryMs) {
      this.#pingedAtMs = nowMs
      this.#isOwing = true
      clock.hold()
      this.#writer.empty(FRAME.ping, 0)
    }
    return false
  }
}
