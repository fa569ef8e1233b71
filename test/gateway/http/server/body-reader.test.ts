import { expect, it } from 'vitest'
import { BodyMistake, type BodyReader, ChunkedBody, LengthBody } from '../../../../gateway/http/server/body-reader.ts'

const CHUNKED = '4;ext="a b"\r\nwiki\r\n5\r\npedia\r\nE\r\n in\r\n\r\nchunks.\r\n0\r\nX-Sum: 1\r\n\r\n'
const WHOLE = 'wikipedia in\r\n\r\nchunks.'
const BEHIND = 'GET / HTTP/1.1\r\n'

/** What a reader makes of a text that comes in these pieces, and what it leaves. */
function read(reader: BodyReader, pieces: readonly string[]): { body: string; left: string } {
  let body = ''
  let left = ''
  for (const piece of pieces) {
    const bytes = Buffer.from(piece, 'latin1')
    const end = reader.isEnded ? 0 : reader.read(bytes, 0, { onBody: (chunk) => (body += chunk.toString('latin1')) })
    left += bytes.toString('latin1', end)
  }
  return { body, left }
}

function atEverySplit(text: string): [string, string][] {
  return Array.from({ length: text.length - 1 }, (_, at) => [text.slice(0, at + 1), text.slice(at + 1)])
}

it('takes a chunked body and nothing behind it, wherever the bytes are split', () => {
  for (const pieces of [...atEverySplit(CHUNKED + BEHIND), [...(CHUNKED + BEHIND)]]) {
    expect(read(new ChunkedBody(), pieces)).toEqual({ body: WHOLE, left: BEHIND })
  }
})

it('takes as many bytes as were announced and nothing behind them', () => {
  for (const pieces of atEverySplit(WHOLE + BEHIND)) {
    expect(read(new LengthBody(WHOLE.length), pieces)).toEqual({ body: WHOLE, left: BEHIND })
  }
})

it('is not ended before its last line is', () => {
  const reader = new ChunkedBody()
  read(reader, ['0\r\nx: y\r\n\r'])
  expect(reader.isEnded).toBe(false)
  read(reader, ['\n'])
  expect(reader.isEnded).toBe(true)
})

it.each([
  ['a size that is no number', 'x\r\n'],
  ['no size at all', '\r\n'],
  ['a sign before the size', '+1\r\n'],
  ['a space behind the size', '1 \r\na\r\n'],
  ['a size beyond all numbers', 'ffffffffffffff\r\n'],
  ['a size that ends without a carriage return', '1\na\r\n'],
  ['a carriage return within the line', '1;\ra\r\n'],
  ['a control character in an extension', '1;a\0\r\n'],
  ['a chunk longer than its size', '1\r\nab\r\n'],
  ['a chunk that ends with a line feed alone', '1\r\na\n'],
  ['a trailer without a colon', '0\r\nabc\r\n'],
  ['a folded trailer', '0\r\na: b\r\n c\r\n'],
  ['an extension without a name', '1;\r\n'],
  ['an extension without a value', '1;a=\r\n'],
  ['extensions without end', `1;${'x'.repeat(1_000)}\r\na\r\n`.repeat(20)],
  ['an extension without end', `1;${'x'.repeat(5_000)}`],
  ['trailers without end', `0\r\n${`a: ${'x'.repeat(1_000)}\r\n`.repeat(20)}`],
])('refuses %s', (_name, text) => {
  expect(() => read(new ChunkedBody(), [text])).toThrow(BodyMistake)
  expect(() => read(new ChunkedBody(), [...text])).toThrow(BodyMistake)
})

it('hands on what came at once as one piece, however small its chunks are, and also in front of a mistake', () => {
  const pieces: string[] = []
  const sink = { onBody: (piece: Buffer) => pieces.push(piece.toString('latin1')) }
  const reader = new ChunkedBody()
  reader.read(Buffer.from('1\r\na\r\n'.repeat(1_000)), 0, sink)
  expect(() => reader.read(Buffer.from('1\r\nb\r\n1\r\nc\r\nx'), 0, sink)).not.toThrow()
  expect(() => reader.read(Buffer.from('\r\n'), 0, sink)).toThrow(BodyMistake)
  expect(pieces).toEqual(['a'.repeat(1_000), 'bc'])
})
