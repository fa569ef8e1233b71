/** What a function is to the pool: an immutable bundle, how to start it, and its settings. */
import type { RuntimeName } from './runtime.ts'
import type { FunctionSettings } from './settings.ts'

export interface FunctionSpec {
  readonly name: string
  /** Content-addressed id: workers are only ever used for the bundle that they loaded. */
  readonly bundle: string
  /** File URL of the module to import. */
  readonly entry: string
  /** Working directory of its workers; null keeps the pool's. */
  readonly cwd: string | null
  /** Name of its format; null infers it from the exports. */
  readonly format: string | null
  /** The export to call; null takes the format's own. */
  readonly handler: string | null
  /** The program to start, for formats that are programs; else null. */
  readonly command: readonly string[] | null
  readonly runtime: RuntimeName
  /** A path under which its workers tell what calls have left behind in them; missing: they do not. */
  readonly traces?: string
  readonly settings: FunctionSettings
}

/** A module of the library's user: its URL is its name. */
export function taskSpec(url: string, settings: FunctionSettings): FunctionSpec {
  const as = { format: 'task', handler: null, command: null, runtime: 'node' } as const
  return { name: url, bundle: url, entry: url, cwd: null, ...as, settings }
}
