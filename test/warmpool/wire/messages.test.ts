import { expect, it } from 'vitest'
import { ProtocolError } from '../../../warmpool/wire/frames.ts'
import { MAX_MESSAGE_BYTES, parseMessage } from '../../../warmpool/wire/messages.ts'

const read = (text: string) => parseMessage(Buffer.from(text), 0, Buffer.byteLength(text))

it('a message is a JSON object', () => {
  expect(read('{"a":1}')).toEqual({ a: 1 })
  for (const text of ['', '1', 'null', '{', '"a"']) expect(() => read(text), text).toThrow(ProtocolError)
})

it('a message that is longer than any that a runtime sends is not parsed', () => {
  const ofBytes = (bytes: number) => `{"a":"${'x'.repeat(bytes - 8)}"}`
  expect(read(ofBytes(MAX_MESSAGE_BYTES))).toHaveProperty('a')
  expect(() => read(ofBytes(MAX_MESSAGE_BYTES + 1))).toThrow('a control frame of 524289 bytes, over the limit')
})
