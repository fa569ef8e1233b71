import { expect, it } from 'vitest'
import { ChunkedReader } from '../../../../warmpool/runtimes/node/http-client/chunked-reader.ts'

/** The body, read in one piece and byte by byte, which must give the same; or what is thrown. */
function read(text: string): string {
  const bytes = Buffer.from(text, 'latin1')
  const inPieces = (pieceBytes: number): string => {
    const reader = new ChunkedReader()
    const body: Buffer[] = []
    for (let at = 0; at < bytes.length; at += pieceBytes) reader.read(bytes.subarray(at, at + pieceBytes), 0, body)
    if (!reader.isDone) throw new Error('it has no end')
    return Buffer.concat(body).toString('latin1')
  }
  const whole = inPieces(bytes.length)
  expect(inPieces(1)).toBe(whole)
  return whole
}

it('RFC 9112, 7.1: reads chunks, with extensions, trailers and zeros before their sizes', () => {
  expect(read('4\r\nabcd\r\n0\r\n\r\n')).toBe('abcd')
  expect(read('00000004;a=b\r\nabcd\r\nA\r\n0123456789\r\n000\r\nx: y\r\n\r\n')).toBe('abcd0123456789')
  expect(read(`${'0'.repeat(64)}4\r\nabcd\r\n${'0'.repeat(64)}\r\n\r\n`)).toBe('abcd')
})

it.each([
  ['\r\nabcd\r\n0\r\n\r\n', 'a chunk has no size'],
  [`${'0'.repeat(65)}4\r\nabcd\r\n0\r\n\r\n`, 'a chunk has too many zeros before its size'],
  ['1000000000000\r\n', 'a chunk is longer than any body'],
  ['4\r\nabcde\r\n0\r\n\r\n', 'a chunk does not end where it said'],
  ['4\nabcd\n0\n\n', 'a chunk has no size'],
])('RFC 9112, 7.1: %.20j is none', (text, what) => {
  expect(() => read(text)).toThrow(what)
})
