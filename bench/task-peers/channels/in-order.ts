/** Matches answers to calls where a channel keeps the order: each answer belongs to the oldest call that has none. */
export interface InOrder {
  call(value: number | Uint8Array): Promise<unknown>
  answer(value: unknown): void
  /** Ends every call that still waits. */
  fail(): void
}

/** How many answered calls are kept before the list is cut: cutting it for each would cost more than a call. */
const KEPT = 1024

export function inOrder(send: (value: number | Uint8Array) => void): InOrder {
  const calls: PromiseWithResolvers<unknown>[] = []
  let answered = 0
  return {
    call(value) {
      // First, for it may throw.
      send(value)
      const call = Promise.withResolvers<unknown>()
      calls.push(call)
      return call.promise
    },
    answer(value) {
      calls[answered++]!.resolve(value)
      if (answered < KEPT) return
      calls.splice(0, answered)
      answered = 0
    },
    fail() {
      for (const { reject } of calls.splice(0).slice(answered)) reject(new Error('The other end is gone'))
      answered = 0
    },
  }
}
