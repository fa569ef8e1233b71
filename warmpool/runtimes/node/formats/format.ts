/** What a format is: how a module's exports become a handler. One file a format; the table of all is index.ts. */
import type { Load } from '../../../wire/messages.ts'
import type { Call } from '../call.ts'

/** Answers the call, now or when the promise it returns has settled. Whatever it throws is the function's fault. */
export type Handler = (call: Call) => unknown

export type Exports = Readonly<Record<string, unknown>>

export interface Format {
  readonly name: string
  /** The most invocations at once that its contract allows; null leaves it to the settings. */
  readonly concurrency: number | null
  /** True: an error that nothing handled fails its own call only. Else it ends the process, as on the format's platform. */
  readonly isContaining?: true
  /** For the error that lists what a module could have exported. */
  readonly expects: string
  /** True when the exports bear this format's unambiguous marks. */
  isMarked(exports: Exports): boolean
  /**
   * A handler, or null when the exports hold none of this format. What it throws says why the function cannot be loaded.
   * The default export is the one that a stated `handler` names, unless the format's row in index.ts says otherwise.
   */
  handler(exports: Exports, load: Load): Handler | null | Promise<Handler | null>
}
