/** What canaries are judged by: what they and the live versions beside them have answered, each since the canary's last step. */
import { type AnsweredCall, AnsweredWindow } from './answered-window.ts'
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

/** A canary that was taken back. */
export interface TakenBack {
  readonly version: number
  readonly at: string
  readonly why: string
}

/** Functions of which it is remembered. */
const MOST_TAKEN_BACK = 1_000

export class CanaryWindows {
  readonly #byName = new Map<string, Windows>()
  readonly #takenBack = new Map<string, TakenBack>()

  /** The latest of a function that was taken back since the gateway's start; the audit log has all. */
  takenBack(name: string): TakenBack | null {
    return this.#takenBack.get(name) ?? null
  }

  noteTakenBack(name: string, version: number, why: string): void {
    this.#takenBack.delete(name)
    if (this.#takenBack.size >= MOST_TAKEN_BACK) this.#takenBack.delete(this.#takenBack.keys().next().value!)
    this.#takenBack.set(name, { version, at: new Date().toISOString(), why })
  }

  /** A call that version `number` of a function answered. */
  onAnswered({ name, live, canary }: FunctionRecord, number: number, call: AnsweredCall): void {
    if (canary === null) return
    const { ofLive, ofCanary } = this.#windowsOf(name, canary)
    if (number === live) ofLive.add(call)
    else if (number === canary.version) ofCanary.add(call)
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
