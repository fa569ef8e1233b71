/**
 * Loaded into the gateway's process before its own code, and all that is changed about it. `Date` can be moved from
 * outside, as when an administrator or NTP sets the clock: `Date.now()`, `new Date()` and `Date()` follow, and
 * performance.now() and timers do not, as it is with a real clock. And it tells its memory right after a collection of
 * garbage, which cannot be seen from outside.
 */

export type Inquiry = { readonly clockOffsetMs: number } | { readonly memory: true }

/** Bytes that are really in use, objects and buffers. */
export interface MemoryAnswer {
  readonly usedBytes: number
}

let offsetMs = 0
const RealDate = Date

class MovedDate extends RealDate {
  constructor(...args: [] | [number]) {
    if (args.length === 0) super(RealDate.now() + offsetMs)
    else super(...args)
  }

  static override now(): number {
    return RealDate.now() + offsetMs
  }
}

// Called without `new`, Date is a text; a class would throw.
globalThis.Date = new Proxy(MovedDate, { apply: () => new MovedDate().toString() }) as unknown as DateConstructor

process.on('message', (inquiry: Inquiry) => {
  if ('clockOffsetMs' in inquiry) offsetMs = inquiry.clockOffsetMs
  else globalThis.gc!()
  const { heapUsed, external } = process.memoryUsage()
  process.send!({ usedBytes: heapUsed + external } satisfies MemoryAnswer)
})
// It must not keep the gateway alive.
process.channel!.unref()
