/**
 * A function's own file, `function.json`: what the function is and what it asks for, as data. It is read strictly, all
 * mistakes at once; the operator's `overrides` win over it, and it over `defaults`.
 */

import { functionFileSchemaWith, type ParsedFunctionFile } from './function-file-schema.ts'
import { ConfigError, problemsOf } from './problems.ts'

export const FUNCTION_FILE = 'function.json'

/**
 * @param shown the file's name in messages.
 * @param ownRuntimes what `runtimes` of the configuration adds.
 * @throws {ConfigError} with every mistake in it.
 */
export function parseFunctionFile(
  text: string,
  shown: string,
  ownRuntimes: readonly string[] = [],
): ParsedFunctionFile {
  const schema = functionFileSchemaWith(ownRuntimes)
  const written = parseJson(text, shown)
  const parsed = schema.safeParse(written)
  if (parsed.success) return parsed.data
  throw new ConfigError(problemsOf(parsed.error, written, () => shown, schema))
}

function parseJson(text: string, shown: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    const found = `it is not JSON: ${(error as Error).message}`
    throw new ConfigError([{ kind: 'file', path: '', found, allowed: '', source: shown }])
  }
}
