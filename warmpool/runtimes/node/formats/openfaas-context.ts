/** The context of an OpenFaaS invocation: status and headers of the answer, and the ways to give it. The first counts. */
import type { Call } from '../call.ts'
import { checkedStatus, PlainHead } from './plain-head.ts'

const TEXT_TYPE = 'text/plain; charset=utf-8'
const JSON_TYPE = 'application/json; charset=utf-8'
const BYTES_TYPE = 'application/octet-stream'

export class FunctionContext {
  statusCode = 200
  headerValues: Readonly<Record<string, unknown>> = {}
  /** How often the function has answered. */
  cbCalled = 0
  readonly cb = (error?: unknown, value?: unknown): void => {
    if (error) this.fail(error)
    else this.succeed(value)
  }
  readonly #call: Call

  constructor(call: Call) {
    this.#call = call
  }

  status(): number
  status(statusCode: number): this
  status(statusCode?: number): number | this {
    if (!statusCode) return this.statusCode
    this.statusCode = statusCode
    return this
  }

  headers(): Readonly<Record<string, unknown>>
  headers(values: Readonly<Record<string, unknown>>): this
  headers(values?: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> | this {
    if (!values) return this.headerValues
    this.headerValues = values
    return this
  }

  succeed(value?: unknown): void {
    if (this.cbCalled++ === 0) this.#answer(value)
  }

  /** The caller is told what went wrong: that is what this is for. */
  fail(error?: unknown): void {
    if (this.statusCode === 200) this.statusCode = 500
    if (this.cbCalled++ > 0) return
    console.error(error)
    const isData = typeof error === 'object' && error !== null && !(error instanceof Error)
    this.#answer(isData ? error : String(error ?? ''))
  }

  /** The handler is done. */
  returned(value: unknown): void {
    if (this.cbCalled === 0) this.succeed(value)
  }

  #answer(value: unknown): void {
    try {
      const head = new PlainHead(this.#call.lines[1] === 'HEAD')
      head.addAll(this.headerValues, 'headers')
      const status = checkedStatus(this.statusCode)
      if (value === undefined || value === null || value === '') this.#call.answer(status, head.text, null)
      else if (value instanceof Uint8Array) this.#call.answer(status, head.withType(BYTES_TYPE), value)
      else if (typeof value === 'object') this.#call.answer(status, head.withType(JSON_TYPE), JSON.stringify(value))
      else this.#call.answer(status, head.withType(TEXT_TYPE), String(value))
    } catch (error) {
      this.#call.fail('not-a-response', error)
    }
  }
}
