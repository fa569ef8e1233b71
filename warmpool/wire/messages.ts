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

/** What may be taken from a worker's process, each by the kernel: */
export type Mechanism =
  /** No new rights by programs that are set-uid, and of the superuser's few. */
  | 'privileges'
  /** Files and folders outside those that are named. */
  | 'files'
  /** Signals to, and abstract sockets of, processes that it has not started. */
  | 'signals'
  /** System calls that no function needs, and with `network` none all sockets that leave the machine. */
  | 'system-calls'
  /** Of a sandbox: mounts, processes, messages and names of its own, and with `network` none a network of its own. */
  | 'namespaces'
  /** Of a sandbox that has the machine's network: abstract sockets, which its namespaces do not keep from it. */
  | 'abstract-sockets'

/** A place outside, and where it is inside. */
export interface Mount {
  readonly from: string
  readonly at: string
  readonly isWritable: boolean
}

/** What a worker that was started in a sandbox still has to do, or has been done for it. */
export interface SandboxEntry {
  /** Where it sees the whole machine, until it has mounted what is its function's; null: it never did. */
  readonly host: string | null
  readonly mounts: readonly Mount[]
  /** The user and group to become, by their number; null: to stay. */
  readonly user: number | null
  /** What is in force without its doing. */
  readonly given: readonly Mechanism[]
}

/** What TCP servers of a function may do: nothing, listen on this machine's own address, or listen. */
export type Listening = 'none' | 'loopback' | 'all'

/** What a worker is to take from itself, and for ever, before it loads the function. */
export interface Confinement {
  /** Absolute paths: folders with all in them, or files. Those that are not there are passed over. */
  readonly read: readonly string[]
  readonly write: readonly string[]
  /** A port: it may connect to that one and no other, which is where its proxy is. The proxy is in `env` of the load. */
  readonly network: 'all' | 'none' | number
  /** False: it may bind no TCP port, where the kernel can tell. */
  readonly mayListen: boolean
  /** Its own, empty: home and temporary files. */
  readonly folder: string
  /** For seccomp, in base64: the filter's instructions. Null where this processor's are not known. */
  readonly filter: string | null
  /** True: it does not load the function when a mechanism is missing. */
  readonly isDemanded: boolean
  /** Missing: it is in none. */
  readonly sandbox?: SandboxEntry
}

/** What is in force. */
export interface Confined {
  readonly inForce: readonly Mechanism[]
  readonly missing: readonly { readonly mechanism: Mechanism; readonly why: string }[]
}

/** A rewrite or a redirect of a function's platform. */
export interface PathRule {
  /** A regular expression over the whole path. */
  readonly pattern: string
  /** What its groups are called, in order. */
  readonly names: readonly string[]
  /** A path, perhaps with a query, in which `:name` and `$1` stand for values. */
  readonly to: string
  /** 200: a rewrite; from 300 to 399: a redirect. */
  readonly status: number
  /** What the query has to have: a value, or `:name` for any. */
  readonly query?: Readonly<Record<string, string>>
}

/** What the platforms' own files say of a function and its format reads. */
export interface PlatformSettings {
  /** Lambda: the shape of the event; unsaid: 2.0. */
  readonly payload?: '1.0' | '2.0'
  /** Google: what an exported function is called with; unsaid: the variable `FUNCTION_SIGNATURE_TYPE`, or `http`. */
  readonly signature?: string
  /** Azure: what stands before every route, without slashes at its ends; unsaid: `api`. */
  readonly routePrefix?: string
  /** Netlify and Vercel: where paths lead, the first that matches first. */
  readonly rules?: readonly PathRule[]
  /** Vercel: the functions of an `api` folder in Python, by their paths in the function's folder. */
  readonly files?: readonly string[]
  /** Workers: the variables of their own configuration, which the function's settings override. JSON. */
  readonly vars?: Readonly<Record<string, unknown>>
  /** Workers: true for a script that calls `addEventListener('fetch', …)`. */
  readonly isServiceWorker?: boolean
}

/** Parent to worker: become this function. */
export interface Load {
  readonly name: string
  /** File URL of the module to import (of a task of the library a data: URL as well), or of the folder that `command` runs in. */
  readonly entry: string
  /** Working directory, or null to stay. */
  readonly cwd: string | null
  /** The function's folder as its author knows it, for messages; left out where that is `entry`'s, or there is none. */
  readonly source?: string
  /** The name of a format, or null to infer it from the exports. */
  readonly format: string | null
  /** The export to call, or the path of the module and the export as the platform writes it; null: the format's own. */
  readonly handler: string | null
  /** The program to start, for formats that are programs; else null. */
  readonly command: readonly string[] | null
  /** Missing: its platform's files say nothing that its format reads. */
  readonly platform?: PlatformSettings
  /** Resident memory over which the worker is recycled, for functions that ask; null: none. */
  readonly memoryBytes: number | null
  /** After how long the parent gives up: who waits for something can say before that what does not come. */
  readonly timeoutMs?: number
  readonly env: Readonly<Record<string, string>>
  /** Of blocking code, where a runtime has threads for that: calls at once; missing: 1. */
  readonly threads?: number
  /** What TCP servers of it may do; missing: `all`. */
  readonly listen?: Listening
  /** A path under which it tells what calls have left behind; missing: it does not. */
  readonly traces?: string
  /** True: the parent takes large bodies out of its ring, too. */
  readonly ring: boolean
  /** Null or absent: nothing is taken from it. */
  readonly confinement?: Confinement | null
}

/** Parent to template, beside the descriptors that become the new process's 1 to 4: fork. */
export interface Fork {
  readonly fork: number
  /** In the environment of whatever the new process starts. */
  readonly name: string
  /** For its `Math.random`, from 1 on: without one it would give what all other forks' give. */
  readonly seed: number
}

/** Template to parent: there is a new process, a worker that says `hello` by itself. */
export interface Forked {
  readonly fork: number
  /** Less than 0: the system has refused. */
  readonly pid: number
}

/** Template to parent: a process that it has forked has ended. */
export interface Exited {
  readonly pid: number
  readonly code: number | null
  /** The signal's number. */
  readonly signal: number | null
}

/** Worker to parent: the function is loaded. */
export interface Ready {
  readonly format: string
  /** The most invocations at once that the format's contract allows; null leaves it to the settings. */
  readonly concurrency: number | null
  /** Where it was to be confined. */
  readonly confined?: Confined
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
  /** Its other properties as texts: `code` and what the author has put there. */
  readonly fields?: Readonly<Record<string, string>>
  readonly cause?: ErrorReport
  /** Of an AggregateError. */
  readonly errors?: readonly ErrorReport[]
}

/** Worker to parent: an invocation ended without a (whole) response. */
export interface Failed extends ErrorReport {
  readonly code: 'handler-threw' | 'not-a-response' | 'response-headers-too-large' | 'response-aborted' | 'cancelled'
}

/**
 * What a worker may say in one control frame: reports of errors are cut to less. JSON of the largest frame would hold the
 * parent's event loop up for a third of a second.
 */
export const MAX_MESSAGE_BYTES = 512 * 1024

/** Reads a control frame. Throws {@link ProtocolError} for anything but a JSON object; its fields are not checked. */
export function parseMessage<T>(chunk: Buffer, start: number, end: number): T {
  if (end - start > MAX_MESSAGE_BYTES)
    throw new ProtocolError(`a control frame of ${end - start} bytes, over the limit of ${MAX_MESSAGE_BYTES}`)
  try {
    const value: unknown = JSON.parse(chunk.toString('utf8', start, end))
    if (typeof value === 'object' && value !== null) return value as T
  } catch {
    // Said below.
  }
  throw new ProtocolError('a control frame that is not a JSON object')
}

/** What a process that runs one module confined is sent; see confined-run.ts of the pool. */
export interface RunMessage {
  /** File URL. */
  readonly module: string
  readonly input: unknown
  readonly confinement: Confinement
}

/** What it answers. */
export type RunAnswer =
  | { readonly output: unknown; readonly confined: Confined }
  | { readonly error: string; readonly confined: Confined | null }
