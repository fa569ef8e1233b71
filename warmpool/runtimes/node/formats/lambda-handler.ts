/** Where a Lambda function's handler is among what its module exports. */
import type { Exports } from './format.ts'

/** Where it is when nobody says. */
export const DEFAULT_EXPORT = 'handler'

/** `name` as Lambda has it: `file.export` or `export` alone, with dots where the export lies deeper. */
export function findHandler(exports: Exports, name: string): ((...args: never[]) => unknown) | null {
  const path = name.slice(name.lastIndexOf('/') + 1).split('.')
  const found = nested(exports, path) ?? (path.length > 1 ? nested(exports, path.slice(1)) : undefined)
  return typeof found === 'function' ? (found as (...args: never[]) => unknown) : null
}

/** Of CommonJS, exports that cannot be read off the text are on the whole only. */
function nested(exports: Exports, path: readonly string[]): unknown {
  return within(exports, path) ?? within(exports.default, path)
}

function within(value: unknown, path: readonly string[]): unknown {
  return path.reduce((inner: unknown, key) => (inner as Exports | null | undefined)?.[key], value)
}
