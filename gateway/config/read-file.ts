/**
 * Finds the configuration file and reads what is written in it, unchecked. Every way in which this can fail ends in a
 * {@link ConfigError} that names the file, the line where there is one, and what to do.
 */
import { access, readFile } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { inFrame } from './code-frame.ts'
import { ConfigError } from './problems.ts'
import { runConfigFile } from './run-file.ts'

const EXTENSIONS = ['.ts', '.mts', '.js', '.mjs', '.json'] as const

export interface WrittenConfig {
  /** What the file holds, unchecked; it is an object. */
  readonly value: object
  /** Absolute paths: the file, then what it imports, packages excepted. */
  readonly files: readonly string[]
}

/**
 * Absolute path of the one configuration file in a folder; null when it has none.
 * @throws {ConfigError} when it has several: which one counts would be a guess.
 */
export async function findConfigFile(folder: string): Promise<string | null> {
  const candidates = EXTENSIONS.map((extension) => `wrangler-free.config${extension}`)
  const found: string[] = []
  for (const name of candidates) if (await exists(join(folder, name))) found.push(name)
  if (found.length > 1) {
    const message = `more than one configuration file: ${found.join(', ')}; keep one, or choose one with --config`
    throw new ConfigError([{ kind: 'file', path: '', found: message, allowed: 'one file', source: folder }])
  }
  return found[0] ? join(folder, found[0]) : null
}

/** Reads the file. `source` is its name in messages. */
export async function readConfigFile(file: string, source: string): Promise<WrittenConfig> {
  const extension = extname(file)
  if (!EXTENSIONS.some((known) => known === extension)) {
    throw unusable(file, source, `files of the kind "${extension}" are not read; use ${EXTENSIONS.join(', ')}`)
  }
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw unusable(file, source, reasonOf(error))
  })
  const written = extension === '.json' ? await parseJson(file, source, text) : await runConfigFile(file, source)
  if (typeof written.value === 'object' && written.value !== null && !Array.isArray(written.value)) {
    return { value: written.value, files: written.files }
  }
  const found = typeof written.value === 'function' ? 'it exports a function' : 'it holds no object'
  throw unusable(file, source, `${found}; it should ${extension === '.json' ? 'be' : 'export default'} { … }`)
}

interface AnyValue {
  readonly value: unknown
  readonly files: readonly string[]
}

async function parseJson(file: string, source: string, text: string): Promise<AnyValue> {
  const json = text.replace(/^\uFEFF/, '')
  try {
    return { value: JSON.parse(json), files: [file] }
  } catch (error) {
    // V8 does not always say where; esbuild reads JSON too, and does.
    const { transform } = await import('../bundler.ts')
    const failure = await transform(json, { loader: 'json', sourcefile: source, logLevel: 'silent' }).catch((e) => e)
    const place = failure.errors?.[0]
    if (!place?.location) throw unusable(file, source, (error as Error).message)
    throw new ConfigError([inFrame(place.text, source, place.location, json, source)], [file])
  }
}

function unusable(file: string, source: string, message: string): ConfigError {
  return new ConfigError([{ kind: 'file', path: '', found: message, allowed: 'a readable file', source }], [file])
}

function reasonOf(error: NodeJS.ErrnoException): string {
  if (error.code === 'ENOENT') return 'there is no such file; check the path, or leave out --config'
  if (error.code === 'EACCES') return 'this user may not read it; check its permissions'
  if (error.code === 'EISDIR') return 'it is a folder; --config takes a file'
  return error.message
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
