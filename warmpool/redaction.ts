/**
 * Takes a function's own secrets out of what its process says: lines that it prints and errors that it throws. Found is
 * the whole value as it is, in JSON, in a URL and in base64, and each line of a value of several lines. Not found is
 * what was cut, changed or encoded in another way: this keeps accidents out of logs, not a function that wants it there.
 */
import type { Secrets } from './secret.ts'
import type { ErrorReport } from './wire/messages.ts'

/** A shorter one would be found everywhere: `true` is no secret. */
const MIN_CHARS = 6

export class Redaction {
  readonly #forms: RegExp
  /** By form: what stands in its place. */
  readonly #marks: ReadonlyMap<string, string>

  constructor(marks: ReadonlyMap<string, string>) {
    this.#marks = marks
    // The longest first: one may be part of another.
    const forms = [...marks.keys()].sort((a, b) => b.length - a.length)
    this.#forms = new RegExp(forms.map(escaped).join('|'), 'g')
  }

  text(text: string): string {
    return text.replace(this.#forms, (form) => this.#marks.get(form)!)
  }

  /** The same report with every text of it redacted. */
  report<T extends ErrorReport>(report: T): T {
    return this.#within(report) as T
  }

  #within(value: unknown): unknown {
    if (typeof value === 'string') return this.text(value)
    if (Array.isArray(value)) return value.map((one) => this.#within(one))
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [this.text(key), this.#within(one)]))
  }
}

/** null where there is nothing to look for. */
export function redactionOf(secrets: Secrets): Redaction | null {
  const marks = new Map<string, string>()
  for (const [name, secret] of Object.entries(secrets)) {
    const value = secret.reveal()
    if (value.length < MIN_CHARS) continue
    for (const form of formsOf(value)) if (form.length >= MIN_CHARS) marks.set(form, `(secret ${name})`)
  }
  return marks.size === 0 ? null : new Redaction(marks)
}

function formsOf(value: string): string[] {
  const base64 = Buffer.from(value).toString('base64').replace(/=+$/, '')
  // Logs are cut into lines, and a key in PEM is many.
  const lines = value.split('\n').map((line) => line.trim())
  return [value, JSON.stringify(value).slice(1, -1), encodeURIComponent(value.toWellFormed()), base64, ...lines]
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
}
