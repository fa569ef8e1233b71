/** Where a Lambda function's handler is among what its module exports. */
import { findExport } from './chosen-export.ts'
import type { Exports } from './format.ts'

/** Where it is when nobody says. */
export const DEFAULT_EXPORT = 'handler'

export function findHandler(exports: Exports, name: string): ((...args: never[]) => unknown) | null {
  const found = findExport(exports, name)
  return typeof found === 'function' ? (found as (...args: never[]) => unknown) : null
}
