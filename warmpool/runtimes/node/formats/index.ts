/** All formats of this runtime, in the order in which their marks are looked for. A new format is a line here. */
import { fetchFormat } from './fetch.ts'
import type { Exports, Format, Handler } from './format.ts'
import { methodsFormat } from './methods.ts'
import { taskFormat } from './task.ts'

const FORMATS: readonly Format[] = [methodsFormat, fetchFormat, taskFormat]

export interface Chosen {
  readonly format: Format
  readonly handler: Handler
}

/** Finds the handler. Throws an error that says what the module exports and what it could. */
export function chooseFormat(exports: Exports, stated: string | null, env: Readonly<Record<string, string>>): Chosen {
  const format =
    stated === null ? FORMATS.find((one) => one.isMarked(exports)) : FORMATS.find((one) => one.name === stated)
  if (format === undefined && stated !== null) {
    throw new TypeError(`Unknown format "${stated}". There are: ${FORMATS.map((one) => one.name).join(', ')}`)
  }
  const handler = format?.handler(exports, env)
  if (format === undefined || handler === null || handler === undefined) throw new TypeError(noHandler(exports, format))
  return { format, handler }
}

function noHandler(exports: Exports, format: Format | undefined): string {
  const names = Object.keys(exports)
  const found =
    names.length === 0
      ? 'exports nothing'
      : `exports ${names.map((name) => `${name} (${typeof exports[name]})`).join(', ')}`
  const expected = (format === undefined ? FORMATS.filter((one) => one !== taskFormat) : [format]).map(
    (one) => one.expects,
  )
  return `No handler found: the module ${found}. Export one of: ${expected.join('; ')}`
}
