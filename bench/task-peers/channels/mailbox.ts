/**
 * Memory that two threads share: how many values were posted and how many answered, a ring of values, and room for one
 * blob. Values are answered in the order of posting, in their own places. The two counts are what the sides wait on.
 */
export const RING = 64
const BLOB_BYTES = 1024 * 1024
const POSTED = 0
const ANSWERED = 1
const VALUES = 2
/** Of the blob behind a value; 0: it is an integer. */
const LENGTHS = VALUES + RING
const HEAD_BYTES = 4 * (LENGTHS + RING)

export class Mailbox {
  readonly memory: SharedArrayBuffer
  readonly #head: Int32Array
  readonly #blob: Uint8Array

  constructor(memory: SharedArrayBuffer = new SharedArrayBuffer(HEAD_BYTES + BLOB_BYTES)) {
    this.memory = memory
    this.#head = new Int32Array(memory, 0, HEAD_BYTES / 4)
    this.#blob = new Uint8Array(memory, HEAD_BYTES)
  }

  post(value: number | Uint8Array): void {
    this.#write(Atomics.load(this.#head, POSTED), value)
    Atomics.add(this.#head, POSTED, 1)
    Atomics.notify(this.#head, POSTED)
  }

  /** Resolves once more than `seen` were answered. */
  async untilAnswered(seen: number): Promise<number> {
    await Atomics.waitAsync(this.#head, ANSWERED, seen).value
    return Atomics.load(this.#head, ANSWERED)
  }

  /** A blob is a copy, for its place is used again. */
  read(at: number): number | Uint8Array {
    const length = this.#head[LENGTHS + (at % RING)]!
    return length === 0 ? this.#head[VALUES + (at % RING)]! : this.#blob.slice(0, length)
  }

  /** For ever, in a thread that does nothing else. The task sees a blob where it lies. */
  serve(task: (value: number | Uint8Array) => number | Uint8Array): void {
    for (let answered = 0; ; ) {
      Atomics.wait(this.#head, POSTED, answered)
      for (const posted = Atomics.load(this.#head, POSTED); answered < posted; answered++) {
        const length = this.#head[LENGTHS + (answered % RING)]!
        const value = length === 0 ? this.#head[VALUES + (answered % RING)]! : this.#blob.subarray(0, length)
        this.#write(answered, task(value))
      }
      Atomics.store(this.#head, ANSWERED, answered)
      Atomics.notify(this.#head, ANSWERED)
    }
  }

  #write(at: number, value: number | Uint8Array): void {
    const isInteger = typeof value === 'number'
    if (isInteger) this.#head[VALUES + (at % RING)] = value
    else this.#blob.set(value)
    this.#head[LENGTHS + (at % RING)] = isInteger ? 0 : value.length
  }
}
