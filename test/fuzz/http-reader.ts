/** The edge's reader by itself: it never throws, and where the bytes were cut changes nothing. */
import { httpInput, longHeadsInput } from './http-requests.ts'
import { HEADERS_BYTES, transcriptOf } from './http-transcript.ts'
import type { Input, Target } from './target.ts'

export const httpReader: Target = {
  name: 'http-reader',
  atOnce: 1,
  async start() {},
  make: (random) => (random.once(8) ? longHeadsInput(random, HEADERS_BYTES) : httpInput(random)),
  check(input: Input) {
    const bytes = Buffer.concat(input)
    const whole = JSON.stringify(transcriptOf([bytes]))
    for (const pieces of [input, Array.from(bytes, (_, at) => bytes.subarray(at, at + 1))]) {
      // Byte by byte takes a square of the time.
      if (pieces !== input && bytes.length > 4_000) continue
      const inPieces = JSON.stringify(transcriptOf(pieces))
      if (inPieces !== whole) return `whole it is ${whole}, in ${pieces.length} pieces ${inPieces}`
    }
    return null
  },
  async stop() {
    return null
  },
}
