/**
 * A runtime in one file of CommonJS. Booting from its sources, a worker finds, reads and strips some thirty files one
 * by one, and every `import` of a module of Node's own runs all getters of that, which loads much that nobody asked
 * for: together more than half of what Node itself takes to boot. The package is built with such a file; from the
 * sources, whoever starts the first worker makes it, anew only when a source has changed.
 */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { buildSync, version } from 'esbuild'

/** Writes the file, whole or not at all: two processes may do this at the same time. */
export function writeRuntimeBundle(entry: string, file: string): void {
  const unfinished = `${file}.${process.pid}`
  buildSync({
    entryPoints: [entry],
    outfile: unfinished,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node22',
    define: { 'import.meta.dirname': '__dirname' },
    logLevel: 'warning',
  })
  renameSync(unfinished, file)
}

/**
 * The bundle of what lies in these folders, in a folder that only this user may write to. Named after what it was made
 * of, so that processes of several versions do not disturb each other.
 */
export function cachedRuntimeBundle(entry: string, sourceFolders: readonly string[], cacheFolder: string): string {
  const file = join(cacheFolder, `runtime-${hashOf(sourceFolders)}.cjs`)
  if (!existsSync(file)) writeRuntimeBundle(entry, file)
  return file
}

function hashOf(folders: readonly string[]): string {
  const hash = createHash('sha256').update(version)
  for (const folder of folders) {
    for (const name of (readdirSync(folder, { recursive: true }) as string[]).sort()) {
      if (name.endsWith('.ts')) hash.update(name).update(readFileSync(join(folder, name)))
    }
  }
  return hash.digest('hex').slice(0, 32)
}
