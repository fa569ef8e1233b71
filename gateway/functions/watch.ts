/**
 * Tells which functions' sources changed, once they have come to rest: a folder that is being copied in, or a file
 * that is being written, is reported when two looks in a row find the same.
 */
import { realpath, stat } from 'node:fs/promises'
import { relative } from 'node:path'
import { watch } from 'chokidar'
import { functionNameOf } from './discover.ts'
import { isLeftOut } from './folder-files.ts'

export interface FunctionsWatch {
  /**
   * Also reports `name` when one of these files changes: what its bundle was made from besides its own files.
   * Replaces what was said for it before. Files in node_modules are not watched.
   */
  setOutsideInputs(name: string, files: readonly string[]): void
  close(): Promise<void>
}

/** Time between two looks at a file that changed, unless it is said. */
const SETTLE_MS = 75

/** What changed for one function since it was last reported, and how that looked. */
interface Pending {
  readonly paths: Set<string>
  look: string | undefined
}

/**
 * Watches all functions of a folder, new and removed ones included; resolves when it is watching. `onChange` hears
 * names of functions that were added, changed or removed. `onError`: watching may miss changes from then on, for
 * example because the system's limit of watches is reached.
 */
export async function watchFunctions(
  functionsDir: string,
  onChange: (names: Set<string>) => void,
  onError: (error: Error) => void,
  settleMs = SETTLE_MS,
): Promise<FunctionsWatch> {
  const root = await realpath(functionsDir)
  const pending = new Map<string, Pending>()
  const outside = new Map<string, ReadonlySet<string>>()
  let timer: NodeJS.Timeout | undefined
  let closed = false

  const settle = async () => {
    const settled = await takeSettled(pending)
    if (closed) return
    if (settled.size > 0) onChange(settled)
    timer = pending.size > 0 ? setTimeout(settle, settleMs) : undefined
  }
  const touch = (name: string, path: string) => {
    const change = pending.get(name) ?? { paths: new Set(), look: undefined }
    change.paths.add(path)
    change.look = undefined
    pending.set(name, change)
    timer ??= setTimeout(settle, settleMs)
  }

  const watcher = watch(root, { ignored: (path) => isIgnored(root, path), ignoreInitial: true })
  watcher.on('all', (event, path) => {
    const name = nameOf(root, path, event)
    if (name !== undefined) touch(name, path)
    for (const [other, files] of outside) if (files.has(path)) touch(other, path)
  })
  watcher.on('error', (error) => onError(error instanceof Error ? error : new Error(String(error))))
  await new Promise<void>((resolve) => watcher.once('ready', () => resolve()))

  return {
    setOutsideInputs(name, files) {
      const watched = new Set(files.filter((file) => !file.split('/').includes('node_modules')))
      outside.set(name, watched)
      const elsewhere = [...watched].filter((file) => isElsewhere(root, file))
      if (elsewhere.length > 0) watcher.add(elsewhere)
    },
    async close() {
      closed = true
      clearTimeout(timer)
      await watcher.close()
    },
  }
}

function isElsewhere(root: string, path: string): boolean {
  return relative(root, path).startsWith('../')
}

function isIgnored(root: string, path: string): boolean {
  return !isElsewhere(root, path) && relative(root, path).split('/').some(isLeftOut)
}

function nameOf(root: string, path: string, event: string): string | undefined {
  const [segment, ...rest] = relative(root, path).split('/')
  if (segment === undefined || segment === '' || segment === '..') return undefined
  return functionNameOf(segment, rest.length === 0 && !event.endsWith('Dir'))
}

/** Takes out the names whose changed files look as they did the last time. */
async function takeSettled(pending: Map<string, Pending>): Promise<Set<string>> {
  const settled = new Set<string>()
  for (const [name, change] of [...pending]) {
    const before = change.look
    const paths = [...change.paths]
    const now = (await Promise.all(paths.map(lookAt))).join('\n')
    const touchedMeanwhile = change.look !== before || change.paths.size !== paths.length
    change.look = touchedMeanwhile ? undefined : now
    if (touchedMeanwhile || now !== before) continue
    pending.delete(name)
    settled.add(name)
  }
  return settled
}

async function lookAt(path: string): Promise<string> {
  const stats = await stat(path).catch(() => undefined)
  return stats === undefined ? 'gone' : `${stats.mtimeMs} ${stats.size}`
}
