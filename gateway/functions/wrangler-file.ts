/**
 * What a Worker's own configuration, `wrangler.jsonc`, `wrangler.json` or `wrangler.toml`, says of where it starts: its
 * `main`, and nothing else of it. Whatever cannot be read says nothing: the folder is then looked at as any other.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readLiteral } from './literal.ts'

/** In the order in which wrangler looks for them. */
const FILES = ['wrangler.json', 'wrangler.jsonc', 'wrangler.toml']
/** Before the first table: in one of those it would be another `main`. */
const TOML_MAIN = /^\s*main\s*=\s*(?:"([^"\n]*)"|'([^'\n]*)')/m
const TOML_TABLE = /^\s*\[/m

export interface WorkerMain {
  readonly file: string
  readonly main: string
}

/** `names`: of what lies in the folder. */
export async function workerMain(dir: string, names: ReadonlySet<string>): Promise<WorkerMain | null> {
  const file = FILES.find((name) => names.has(name))
  if (file === undefined) return null
  const text = await readFile(join(dir, file), 'utf8').catch(() => '')
  const main = file.endsWith('.toml') ? mainOfToml(text) : mainOfJson(text)
  return typeof main === 'string' ? { file, main } : null
}

function mainOfToml(text: string): unknown {
  const top = text.split(TOML_TABLE, 1)[0]!
  const [, double, single] = TOML_MAIN.exec(top) ?? []
  return double ?? single
}

function mainOfJson(text: string): unknown {
  try {
    return (readLiteral(text, 0) as { main?: unknown } | null)?.main
  } catch {
    return undefined
  }
}
