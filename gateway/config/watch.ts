/**
 * Watches the configuration file, the files it imports and those of secrets, and reads everything again when one of them changes.
 * Writing takes several steps, so a reading waits until the files have been quiet for a moment; readings never
 * overlap. A reading that means the same as before is not reported, nor is the same mistake twice.
 */
import { unwatchFile, watchFile } from 'node:fs'
import { watch } from 'chokidar'
import { sameConfig } from './changes.ts'
import type { Config } from './config.ts'
import { type LoadOptions, loadConfig } from './load.ts'
import { ConfigError } from './problems.ts'

export interface ConfigListeners {
  /** Called with a valid configuration that differs, and with any valid one after a mistake. */
  readonly onChange: (next: Config) => void
  /** Called when the file is gone, cannot be read or has mistakes. What was valid last stays valid. */
  readonly onError: (error: Error) => void
}

export interface ConfigWatcher {
  /** Settles once changes are noticed. */
  readonly ready: Promise<void>
  /** Ends watching. Nothing is reported after it. */
  close(): Promise<void>
}

/** How long the files have to be quiet: editors and `git checkout` write in bursts. */
const QUIET_MS = 100
/** Files of secrets are asked after: a link to a mounted volume that is swapped tells no watcher of the file. */
const SECRETS_EVERY_MS = 1_000

/**
 * Starts watching what `config` was made from; `options` are those it was loaded with. A configuration without a file
 * has nothing that could change.
 */
export function watchConfig(config: Config, options: LoadOptions, listeners: ConfigListeners): ConfigWatcher {
  if (config.file === null) return { ready: Promise.resolve(), close: () => Promise.resolve() }
  // The file is named, so that a second one beside it does not become a matter of choice at run time.
  const again: LoadOptions = { ...options, file: config.file }
  let last = config
  let lastError: string | null = null
  let timer: NodeJS.Timeout | undefined
  let reading: Promise<void> | null = null
  let closed = false

  // Every file that is newly watched is announced by an `add`, which leads to a reading: so that a change between
  // the reading that named the file and the start of watching it is not missed.
  const watched = new Set(config.files)
  const watcher = watch([...watched])
  const secretFiles = new Set<string>()
  watchSecrets(config.secretFiles)
  const ready = new Promise<void>((resolve) => watcher.once('ready', () => resolve()))
  watcher.on('all', later)
  watcher.on('error', (error) => listeners.onError(error instanceof Error ? error : new Error(String(error))))

  function later(): void {
    clearTimeout(timer)
    if (!closed) timer = setTimeout(() => void readInTurn(), QUIET_MS)
  }

  async function readInTurn(): Promise<void> {
    if (reading) return reading.then(later)
    reading = readAgain()
    await reading
    reading = null
  }

  async function readAgain(): Promise<void> {
    const next = await loadConfig({ ...again, previous: last }).catch((error: Error) => error)
    if (closed) return
    if (next instanceof Error) reportError(next)
    else report(next)
  }

  function report(next: Config): void {
    const differs = lastError !== null || !sameConfig(last, next)
    watchAlso(next.files)
    watchSecrets(next.secretFiles)
    last = next
    lastError = null
    if (differs) listeners.onChange(next)
  }

  function reportError(error: Error): void {
    if (error instanceof ConfigError) watchAlso(error.files)
    const isNew = error.message !== lastError
    lastError = error.message
    if (isNew) listeners.onError(error)
  }

  /** Files that are no longer imported stay watched: a reading too many changes nothing. */
  function watchAlso(files: readonly string[]): void {
    const fresh = files.filter((file) => !watched.has(file))
    for (const file of fresh) watched.add(file)
    if (fresh.length > 0) watcher.add(fresh)
  }

  function watchSecrets(files: readonly string[]): void {
    for (const file of files) {
      if (secretFiles.has(file)) continue
      secretFiles.add(file)
      watchFile(file, { interval: SECRETS_EVERY_MS, persistent: false }, later)
    }
  }

  async function close(): Promise<void> {
    closed = true
    for (const file of secretFiles) unwatchFile(file, later)
    clearTimeout(timer)
    await Promise.all([watcher.close(), reading])
  }

  return { ready, close }
}
