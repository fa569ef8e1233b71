/** Where a Lambda function's handler is among what its module exports. */
import { findExport } from './chosen-export.ts'
import type { Exports } from './format.ts'

/** What the runtimes' and SAM's own templates call it. */
const USUAL_NAMES = ['handler', 'lambdaHandler', 'lambda_handler']

/** Return the handler under the first of its usual names, or null. */
export function usualHandler(exports: Exports): ((...args: never[]) => unknown) | null {
  for (const name of USUAL_NAMES) {
    const found = findHandler(exports, name)
    if (found !== null) return found
  }
  return null
}

/** A default function that takes Lambda's parameters, or stands where the format is stated. */
export function bareHandler(exports: Exports): ((...args: never[]) => unknown) | null {
  return typeof exports.default === 'function' ? (exports.default as (...args: never[]) => unknown) : null
}

export function findHandler(exports: Exports, name: string): ((...args: never[]) => unknown) | null {
  const found = findExport(exports, name)
  return typeof found === 'function' ? (found as (...args: never[]) => unknown) : null
}
