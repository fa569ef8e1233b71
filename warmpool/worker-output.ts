/**
 * What one worker prints, on both its streams together: in lines, within what it may print, and without the secrets of its
 * function. What V8 prints last tells what it died of.
 */
import type { Death } from './death.ts'
import { LogBudget, LogLines } from './log-lines.ts'
import type { Redaction } from './redaction.ts'
import { DEFAULT_FUNCTION_SETTINGS } from './settings.ts'
import type { WorkerProcess } from './spawn.ts'

type OnLine = (stream: 'stdout' | 'stderr', line: string) => void

export class WorkerOutput {
  /** For both streams. */
  readonly budget = new LogBudget(DEFAULT_FUNCTION_SETTINGS.limits.logBytes)
  /** Takes the function's secrets out; null: it has none. */
  redaction: Redaction | null = null
  readonly #onLine: OnLine
  readonly #death: Death

  constructor({ stdout, stderr }: WorkerProcess, death: Death, onLine: OnLine) {
    this.#death = death
    this.#onLine = onLine
    new LogLines(stdout, this.budget, (line) => this.#tell('stdout', line))
    new LogLines(stderr, this.budget, (line) => this.#onErrorLine(line))
  }

  #onErrorLine(line: string): void {
    // V8 ends a process whose heap is full before any limit from outside is reached, and says so.
    if (line.includes('JavaScript heap out of memory')) this.#death.isHeapFull = true
    this.#tell('stderr', line)
  }

  #tell(stream: 'stdout' | 'stderr', line: string): void {
    this.#onLine(stream, this.redaction?.text(line) ?? line)
  }
}
