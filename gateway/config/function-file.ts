/**
 * A function's own file, `function.json`: what the function is and what it asks for, as data. It is read strictly, all
 * mistakes at once; the operator's `overrides` win over it, and it over `defaults`.
 */

import { readFile, stat } from 'node:fs/promises'
import { functionFileSchemaWith, type ParsedFunctionFile } from './function-file-schema.ts'
import { ConfigError, problemsOf } from './problems.ts'

export const FUNCTION_FILE = 'function.json'
/** It is written by hand. What is longer is not even parsed: it would keep the gateway from its callers. */
const MOST_BYTES = 64 * 1024
const MOST_VALUES = 4_000
const MOST_DEPTH = 16

/** Return its text. Throws {@link ConfigError} for one that is too long, without reading it. */
export async function readFunctionFile(path: string, shown: string): Promise<string> {
  const { size } = await stat(path)
  if (size > MOST_BYTES) throw unusable(shown, tooLong(size))
  return readFile(path, 'utf8')
}

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
  if (text.length > MOST_BYTES) throw unusable(shown, tooLong(text.length))
  const schema = functionFileSchemaWith(ownRuntimes)
  const written = parseJson(text, shown)
  if (valuesIn(written, 0) > MOST_VALUES)
    throw unusable(shown, `it holds more than ${MOST_VALUES} values, or is nested deeper than ${MOST_DEPTH}`)
  const parsed = schema.safeParse(written)
  if (parsed.success) return parsed.data
  throw new ConfigError(problemsOf(parsed.error, written, () => shown, schema))
}

function parseJson(text: string, shown: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw unusable(shown, `it is not JSON: ${(error as Error).message}`)
  }
}

/** Count what is in it; what is nested too deep counts as too many. */
function valuesIn(value: unknown, depth: number): number {
  if (typeof value !== 'object' || value === null) return 1
  if (depth === MOST_DEPTH) return Number.POSITIVE_INFINITY
  let sum = 1
  for (const inner of Object.values(value)) sum += valuesIn(inner, depth + 1)
  return sum
}

function tooLong(bytes: number): string {
  return `it has ${bytes} bytes, and ${MOST_BYTES} are read at most`
}

function unusable(shown: string, found: string): ConfigError {
  return new ConfigError([{ kind: 'file', path: '', found, allowed: '', source: shown }])
}
