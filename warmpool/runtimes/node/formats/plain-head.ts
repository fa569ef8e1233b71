/**
 * Headers as handlers of other platforms return them, plain objects of names and values, made into the head of an
 * answer. Names are remembered once they were checked; what HTTP forbids throws a TypeError that names the header.
 */
import { isName, isTrimmed } from '../web/fields.ts'

/** Lower-case names that were checked. Bounded: functions may make names up. */
const knownNames = new Map<string, string>()
const MOST_KNOWN_NAMES = 256

export class PlainHead {
  /** As `Call.answer` takes it. */
  text = ''
  hasType = false
  readonly #keepsLength: boolean

  /** `keepsLength`: without a body, what is said of its length is worth something. Otherwise it is counted anew. */
  constructor(keepsLength: boolean) {
    this.#keepsLength = keepsLength
  }

  /** A list stands for as many headers. `what`: how its author calls it. */
  addAll(given: unknown, what: string): void {
    if (given === undefined || given === null) return
    if (typeof given !== 'object') throw new TypeError(`The handler answered with ${what} that are ${shown(given)}`)
    const record = given as Record<string, unknown>
    for (const name of Object.keys(record)) {
      const value = record[name]
      if (!Array.isArray(value)) this.add(name, value)
      else for (const one of value) this.add(name, one)
    }
  }

  add(name: string, value: unknown): void {
    if (value === undefined || value === null) return
    const lowerCase = knownNames.get(name) ?? checkedName(name)
    if (lowerCase === 'content-type') this.hasType = true
    if (lowerCase === 'content-length' && !this.#keepsLength) return
    const text = isTrimmed(value) ? value : checkedValue(name, value)
    this.text += this.text === '' ? `${lowerCase}\n${text}` : `\n${lowerCase}\n${text}`
  }

  /** The head with this content type where none was given. */
  withType(type: string): string {
    if (this.hasType) return this.text
    return this.text === '' ? `content-type\n${type}` : `${this.text}\ncontent-type\n${type}`
  }
}

/** A status as handlers give it, as text too. */
export function checkedStatus(given: unknown): number {
  const status = typeof given === 'string' ? Number(given) : given
  if (typeof status !== 'number' || !Number.isInteger(status) || status < 200 || status > 599) {
    throw new TypeError(`The handler answered with the status ${shown(given)}, not one from 200 to 599`)
  }
  return status
}

/** A value in the words of a message. */
export function shown(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  if (typeof value === 'object') return `an object (${value.constructor?.name ?? 'without a prototype'})`
  return typeof value === 'function' ? 'a function' : `the ${typeof value} ${String(value).slice(0, 100)}`
}

function checkedName(name: string): string {
  if (!isName(name)) throw new TypeError(`The response's header ${JSON.stringify(name)} has a name that HTTP forbids`)
  const lowerCase = name.toLowerCase()
  if (knownNames.size < MOST_KNOWN_NAMES) knownNames.set(name, lowerCase)
  return lowerCase
}

function checkedValue(name: string, value: unknown): string {
  const text = typeof value === 'object' ? '' : String(value).trim()
  if (typeof value === 'object' || !isTrimmed(text)) {
    throw new TypeError(`The response's header ${JSON.stringify(name)} has a value that HTTP forbids: ${shown(value)}`)
  }
  return text
}
