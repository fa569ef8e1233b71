/** What canaries are judged by: what they and the live versions beside them have answered, each since the canary's last step. */
import { AnsweredWindow } from './answered-window.ts'
import type { Answered } from './canary-policy.ts'
import type { CanaryRecord, FunctionRecord } from './record.ts'

interface Windows {
  /** Each step is a record of its own, and begins anew. */
  readonly canary: CanaryRecord
  readonly ofLive: AnsweredWindow
  readonly ofCanary: AnsweredWindow
  readonly sinceMs: number
}

export interface Seen {
  readonly live: Answered
  readonly canary: Answered
  readonly sinceStepMs: number
}

export class CanaryWindows {
  readonly #byName = new Map<string, Windows>()

  /** A call that version `number` of a function answered. */
  onAnswered({ name, live, canary }: FunctionRecord, number: number, status: number, tookMs: number): void {
    if (canary === null) return
    const { ofLive, ofCanary } = this.#windowsOf(name, canary)
    if (number === live) ofLive.add(status, tookMs)
    else if (number === canary.version) ofCanary.add(status, tookMs)
  }

  /** Begins with the first look at a canary. */
  seen(name: string, canary: CanaryRecord): Seen {
    const { ofLive, ofCanary, sinceMs } = this.#windowsOf(name, canary)
    return { live: ofLive.answered(), canary: ofCanary.answered(), sinceStepMs: performance.now() - sinceMs }
  }

  /** Forgets those that have ended. */
  keep(names: ReadonlySet<string>): void {
    for (const name of this.#byName.keys()) if (!names.has(name)) this.#byName.delete(name)
  }

  #windowsOf(name: string, canary: CanaryRecord): Windows {
    const known = this.#byName.get(name)
    if (known !== undefined && known.canary === canary) return known
    const fresh = {
      canary,
      ofLive: new AnsweredWindow(),
      ofCanary: new AnsweredWindow(),
      sinceMs: performance.now(),
    }
    this.#byName.set(name, fresh)
    return fresh
  }
}
