/**
 * Routes that a function states in its code: Netlify's `config`. They have to be known before the first call, so the
 * text is read, and nothing of it is run.
 */
import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import type { FunctionSource } from './discover.ts'
import { NetlifyConfigProblem, readNetlifyConfig } from './netlify-config.ts'

/** The function with what its code says of its routes, or why that cannot be read. */
export async function withRoutesOfCode(source: FunctionSource): Promise<FunctionSource | { readonly problem: string }> {
  const { format, runtime, command } = source.identity
  if (runtime === 'python' || command !== null || (format !== null && format !== 'netlify')) return source
  const shown = source.kind === 'file' ? basename(source.entry) : `${source.name}/${basename(source.entry)}`
  try {
    const config = await readNetlifyConfig(basename(source.entry), await readFile(source.entry, 'utf8'))
    if (config === null) return source
    const why = format === null ? 'it exports the config of a Netlify function' : source.identity.why
    const identity = { ...source.identity, format: 'netlify', why } as const
    return { ...source, identity, routes: [...source.routes, ...config.routes] }
  } catch (error) {
    if (error instanceof NetlifyConfigProblem) return { problem: `${shown}:${error.line}: ${error.message}` }
    // What is no code is told by the build, with more words.
    return source
  }
}
