/** The control frames whose payload is JSON. They are rare (once in a worker's life), so they favour clarity. */
import { ProtocolError } from './frames.ts'

/** Worker to parent, once it has booted and could load a function. */
export interface Hello {
  readonly protocol: number
  /** What runs there, for people: `node 26.10.0`. */
  readonly runtime: string
  /** True: it counts begun invocations in fd 4, so that the parent knows what a dead worker never ran. */
  readonly journal: boolean
  /** True: it can take large bodies out of its ring in fd 4. */
  readonly ring?: boolean
}

/** Parent to worker: become this function. */
export interface Load {
  readonly name: string
  /** File URL of the module to import, or of the folder that `command` runs in. */
  readonly entry: string
  /** Working directory, or null to stay. */
  readonly cwd: string | null
  /** The name of a format, or null to infer it from the exports. */
  readonly format: string | null
  /** The export to call, or the path of the module and the export as the platform writes it; null: the format's own. */
  readonly handler: string | null
  /** The program to start, for formats that are programs; else null. */
  readonly command: readonly string[] | null
  /** Resident memory over which the worker is recycled, for functions that ask; null: none. */
  readonly memoryBytes: number | null
  /** After how long the parent gives up: who waits for something can say before that what does not come. */
  readonly timeoutMs?: number
  readonly env: Readonly<Record<string, string>>
  /** A path under which it tells what calls have left behind; missing: it does not. */
  readonly traces?: string
  /** True: the parent takes large bodies out of its ring, too. */
  readonly ring: boolean
}

/** Worker to parent: the function is loaded. */
export interface Ready {
  readonly format: string
  /** The most invocations at once that the format's contract allows; null leaves it to the settings. */
  readonly concurrency: number | null
}

/** What a thrown value looked like, with places mapped to the sources. */
export interface ErrorReport {
  readonly name: string
  readonly message: string
  readonly stack: string
  /** `file:line:column` of the innermost frame in the function's own sources. */
  readonly file?: string
  readonly line?: number
  readonly column?: number
  /** The lines around that place, the line itself marked. */
  readonly frame?: string
}

/** Worker to parent: an invocation ended without a (whole) response. */
export interface Failed extends ErrorReport {
  readonly code: 'handler-threw' | 'not-a-response' | 'response-headers-too-large' | 'response-aborted' | 'cancelled'
}

/** Reads a control frame. Throws {@link ProtocolError} for anything but a JSON object; its fields are not checked. */
export function parseMessage<T>(chunk: Buffer, start: number, end: number): T {
  try {
    const value: unknown = JSON.parse(chunk.toString('utf8', start, end))
    if (typeof value === 'object' && value !== null) return value as T
  } catch {
    // Said below.
  }
  throw new ProtocolError('a control frame that is not a JSON object')
}
