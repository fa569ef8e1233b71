/**
 * Data files of platforms (YAML, TOML, JSON with comments) as plain values. A parser is loaded when the first such file
 * is there. A file is read as data only: no tag, alias or key of it runs code.
 */
import { readFile, stat } from 'node:fs/promises'
import { basename, extname } from 'node:path'

/** Configuration is written by hand; a larger file would keep the gateway busy. */
const MOST_BYTES = 512 * 1024

const STRING_OR_COMMENT = /"(?:[^"\\\n]|\\.)*"|\/\/.*|\/\*[\s\S]*?\*\//g
const STRING_OR_LAST_COMMA = /"(?:[^"\\\n]|\\.)*"|,(?=\s*[}\]])/g

/** A data file that is there and cannot be read. The message is a sentence without the file's name. */
export class DataFileProblem extends Error {
  override readonly name = 'DataFileProblem'
}

/** Return what the file says. Throws {@link DataFileProblem}. */
export async function readDataFile(path: string): Promise<unknown> {
  try {
    const { size } = await stat(path)
    if (size > MOST_BYTES) throw new Error(`it has ${size} bytes, and ${MOST_BYTES} are read at most`)
    return await parseData(basename(path), await readFile(path, 'utf8'))
  } catch (error) {
    throw new DataFileProblem((error as Error).message.split('\n', 1)[0]!)
  }
}

/** `file` names the kind of text by its ending. Throws what the parsers throw. */
async function parseData(file: string, text: string): Promise<unknown> {
  const ending = extname(file)
  if (ending === '.toml') return (await import('smol-toml')).parse(text)
  if (ending === '.yml' || ending === '.yaml') {
    // Tags of CloudFormation (`!Ref`, `!Sub`) stay the values that stand behind them.
    const document = (await import('yaml')).parseDocument(text, { logLevel: 'silent', merge: true })
    for (const error of document.errors) throw error
    return document.toJS({ maxAliasCount: 100 })
  }
  return JSON.parse(withoutComments(text))
}

/** Strict JSON of JSON with comments and commas at the ends of lists. */
function withoutComments(text: string): string {
  const bare = text.replace(/^\uFEFF/, '').replace(STRING_OR_COMMENT, (found) => (found[0] === '"' ? found : ' '))
  return bare.replace(STRING_OR_LAST_COMMA, (found) => (found[0] === '"' ? found : ''))
}

/** The value as an object; an empty one for anything else. */
export function asObject(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {}
}

/** The value as a text; null for anything else and for an empty one. */
export function asText(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null
}
