/**
 * A hostile worker's frames, at the parent's reader, ring and invocations by themselves: nothing but a ProtocolError is
 * thrown, each invocation ends at most once, hears of nothing afterwards, and of no more body than it was granted.
 */
import { InFlight } from '../../warmpool/in-flight.ts'
import { Invocation } from '../../warmpool/invocation.ts'
import { Journal } from '../../warmpool/journal.ts'
import { RingReader, TO_PARENT } from '../../warmpool/wire/body-ring.ts'
import { FrameReader } from '../../warmpool/wire/frame-reader.ts'
import { INITIAL_WINDOW_BYTES, ProtocolError } from '../../warmpool/wire/frames.ts'
import type { Worker } from '../../warmpool/worker.ts'
import { framesToParent } from './frame-bytes.ts'
import type { Input, Target } from './target.ts'

const DEAF = {
  writer: { ring: null, request() {}, bytes() {}, empty() {}, window() {} },
  cancel() {},
} as unknown as Worker

class Listening extends Invocation {
  readonly head = 'id\nGET\n/'
  readonly mistakes: string[] = []
  #heads = 0
  #ends = 0
  #isBodyStreamed = false
  #windowBytes = INITIAL_WINDOW_BYTES

  constructor(hasMore: boolean) {
    super()
    this.hasMore = hasMore
    this.sendTo(DEAF, 0, 0)
  }

  protected override onResponse(_status: number, _head: string, body: Buffer, more: boolean): void {
    this.#heads++
    this.#isBodyStreamed = more
    this.#hear(more ? body.length : 0)
    if (this.#heads > 1) this.mistakes.push('a second head')
  }

  protected override onData(chunk: Buffer): void {
    this.#hear(chunk.length)
    if (this.#heads === 0 || !this.#isBodyStreamed) this.mistakes.push('a body without a head that announced it')
    // Half of it is taken at once, as by a caller who is slow.
    const taken = chunk.length >> 1
    this.consumed(taken)
    this.#windowBytes += taken
  }

  protected override onEnd(): void {
    this.#end()
  }

  protected override onFailure(): void {
    this.#end()
  }

  #hear(bytes: number): void {
    if (this.#ends > 0) this.mistakes.push('told of something after its end')
    // The frame that goes over it is still passed on; its worker is given up for it, and nothing may follow.
    if (this.#windowBytes < 0) this.mistakes.push('more body than it was granted')
    this.#windowBytes -= bytes
  }

  #end(): void {
    if (++this.#ends > 1) this.mistakes.push('ended twice')
  }
}

/** What is read of these pieces, each put into the same memory, up to what is wrong. */
function framesIn(pieces: Input): string {
  const memory = Buffer.alloc(Math.max(0, ...pieces.map(({ length }) => length)))
  const frames: string[] = []
  const reader = new FrameReader((type, id, chunk, start, end) => {
    frames.push(`${type} ${id} ${end - start} ${chunk.toString('hex', start, Math.min(end, start + 16))}`)
  })
  try {
    for (const piece of pieces) {
      piece.copy(memory)
      reader.push(memory.subarray(0, piece.length))
    }
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    frames.push(error.message)
  }
  return frames.join(', ')
}

export class FramesInFlight implements Target {
  readonly name = 'frames-in-flight'
  readonly atOnce = 1
  readonly make = framesToParent
  readonly #journal = new Journal()

  async start(): Promise<void> {}

  check(input: Input): string | null {
    const [whole, inPieces] = [framesIn([Buffer.concat(input)]), framesIn(input)]
    if (inPieces !== whole) return `whole it is ${whole}, in ${input.length} pieces ${inPieces}`
    const freed = new Map<Invocation, number>()
    const inFlight = new InFlight((invocation) => freed.set(invocation, (freed.get(invocation) ?? 0) + 1))
    const invocations = [new Listening(false), new Listening(true), new Listening(false), new Listening(false)]
    for (const [at, invocation] of invocations.entries()) inFlight.add(at + 1, invocation)
    invocations[3]!.isCancelled = true
    const reader = new FrameReader((type, id, chunk, start, end) => {
      if (id !== 0) inFlight.onFrame(type, id, chunk, start, end)
    })
    reader.ring = new RingReader(this.#journal.fd, TO_PARENT)
    try {
      for (const piece of input) {
        const bytes = Buffer.from(piece)
        reader.push(bytes)
        bytes.fill(0xff)
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) return `it threw ${(error as Error).stack}`
    }
    const left = new Set(inFlight.takeAll())
    for (const invocation of invocations) {
      const { id, mistakes } = invocation
      if (mistakes.length > 0) return `invocation ${id}: ${mistakes.join(', ')}`
      const times = freed.get(invocation) ?? 0
      if (times + (left.has(invocation) ? 1 : 0) !== 1) return `invocation ${id} was freed ${times} times`
    }
    return null
  }

  async stop(): Promise<string | null> {
    this.#journal.close()
    return null
  }
}
