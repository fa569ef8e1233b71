/** What a function is to the pool: an immutable bundle, how to start it, and its settings. */
import { isDeepStrictEqual } from 'node:util'
import type { RuntimeName } from './runtime.ts'
import type { FunctionSettings } from './settings.ts'
import type { PlatformSettings } from './wire/messages.ts'

export interface FunctionSpec {
  readonly name: string
  /** What it is called towards itself, where `name` is that of one of several versions; missing: `name`. */
  readonly title?: string
  /** Content-addressed id: workers are only ever used for the bundle that they loaded. */
  readonly bundle: string
  /** URL of the module to import: of a file, and of the library's tasks a data: URL as well. */
  readonly entry: string
  /** Working directory of its workers; null keeps the pool's. */
  readonly cwd: string | null
  /** The folder as its author knows it, for messages, where a copy of it is run. */
  readonly source?: string
  /** Name of its format; null infers it from the exports. */
  readonly format: string | null
  /** The export to call; null takes the format's own. */
  readonly handler: string | null
  /** The program to start, for formats that are programs; else null. */
  readonly command: readonly string[] | null
  /** What its platform's own files say and its format reads; missing: nothing. */
  readonly platform?: PlatformSettings
  readonly runtime: RuntimeName
  /** Absolute paths that its code consists of, which it may read however it is isolated. */
  readonly readable: readonly string[]
  /** A path under which its workers tell what calls have left behind in them; missing: they do not. */
  readonly traces?: string
  readonly settings: FunctionSettings
}

/** True when a worker of the one may serve the other: they differ in their settings at most. */
export function isSameCode(a: FunctionSpec, b: FunctionSpec): boolean {
  return a.bundle === b.bundle && isDeepStrictEqual({ ...a, settings: null }, { ...b, settings: null })
}

/** A module of the library's user: its URL is its name. It is the user's own program, and trusted as that. */
export function taskSpec(url: string, settings: FunctionSettings): FunctionSpec {
  const as = { format: 'task', handler: null, command: null, runtime: 'node', readable: [] } as const
  return {
    name: url,
    bundle: url,
    entry: url,
    cwd: null,
    ...as,
    settings: { ...settings, isolation: 'trusted', listen: 'all' },
  }
}
