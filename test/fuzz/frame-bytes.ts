/** Bytes that are nearly frames: every type with payloads that fit it, nearly fit it, or do not fit anything. */
import {
  DATA_CHUNK_BYTES,
  FRAME,
  HEADER_BYTES,
  IN_RING,
  INITIAL_WINDOW_BYTES,
  MAX_PAYLOAD_BYTES,
} from '../../warmpool/wire/frames.ts'
import { frame } from '../warmpool/wire/frames-by-hand.ts'
import { cut, mutated, type Random } from './random.ts'

const TYPES = Object.values(FRAME)
const TO_PARENT = [FRAME.response, FRAME.response, FRAME.data, FRAME.end, FRAME.failed, FRAME.settled, FRAME.window]
const TO_WORKER = [FRAME.request, FRAME.request, FRAME.data, FRAME.end, FRAME.cancel, FRAME.window, FRAME.ping]
const IDS = [1, 1, 2, 2, 3, 4]
const NUMBERS = [0, 1, 4, 8, 4096, DATA_CHUNK_BYTES, INITIAL_WINDOW_BYTES, MAX_PAYLOAD_BYTES, 0x7fffffff, 0xffffffff]
const JSONS = ['{}', '{"code":"handler-threw","message":"x"}', '{"code":"cancelled"}', '[]', 'null', '{', '{"code":{}}']
const HEADS = [
  '',
  'a\nb',
  'content-length\n4',
  'a',
  'id\nGET\n/\nhost\nhere',
  'id\nPOST\n/echo',
  '\0',
  'x\n'.repeat(300),
]

export function framesToParent(random: Random): Buffer[] {
  return input(random, TO_PARENT)
}

export function framesToWorker(random: Random): Buffer[] {
  return input(random, TO_WORKER)
}

function input(random: Random, likely: readonly number[]): Buffer[] {
  const frames: Buffer[] = []
  for (let count = 1 + random.below(8); count > 0; count--) {
    const bytes = oneFrame(random, likely)
    frames.push(random.once(6) ? mutated(bytes, random, ['\0', '\xff', '\x80', '\0\0\0\0']) : bytes)
  }
  return random.once(2) ? frames : cut(Buffer.concat(frames), random)
}

function oneFrame(random: Random, likely: readonly number[]): Buffer {
  const type = random.once(10) ? random.pick([...TYPES, random.below(256)]) : random.pick(likely)
  const id = random.once(10) ? random.pick([0, 5, 0xffffffff, random.below(1000)]) : random.pick(IDS)
  const bytes = frame(random.once(8) ? (type + IN_RING) & 0xff : type, id, payload(type, random))
  // A length that is not its payload's: what follows is then read as its payload, or waited for.
  if (random.once(30)) bytes.writeUIntLE(random.pick([0, 1, bytes.length - HEADER_BYTES + 4, 0xffffff]), 0, 3)
  return bytes
}

function payload(type: number, random: Random): Buffer {
  if (random.once(8)) return random.bytes(random.below(40))
  switch (type) {
    case FRAME.response: {
      const head = random.pick(HEADS)
      const prefix = Buffer.alloc(7)
      prefix.writeUInt8(random.pick([0, 0, 1, 1, 2, 3, 255]), 0)
      prefix.writeUInt16LE(random.pick([200, 204, 304, 500, 0, 99, 65_535]), 1)
      prefix.writeUInt32LE(random.once(12) ? random.pick(NUMBERS) : head.length, 3)
      return Buffer.concat([prefix, Buffer.from(head, 'latin1'), body(random)])
    }
    case FRAME.request: {
      const head = random.pick(HEADS.slice(4))
      const prefix = Buffer.alloc(9)
      prefix.writeUInt8(random.pick([0, 0, 1, 1, 4, 255]), 0)
      prefix.writeUInt32LE(random.pick(NUMBERS), 1)
      prefix.writeUInt32LE(random.once(12) ? random.pick(NUMBERS) : head.length, 5)
      return Buffer.concat([prefix, Buffer.from(head, 'latin1'), body(random)])
    }
    case FRAME.window:
      return uint32(random.pick(NUMBERS))
    case FRAME.data:
      return body(random)
    case FRAME.end:
      return random.pick([Buffer.alloc(0), Buffer.alloc(0), Buffer.of(2), Buffer.of(255, 1)])
    case FRAME.load:
    case FRAME.hello:
    case FRAME.ready:
    case FRAME.loadFailed:
    case FRAME.failed:
      return Buffer.from(random.pick(JSONS))
    default:
      return Buffer.alloc(random.once(4) ? random.below(9) : 0)
  }
}

/** Or a reference into the ring, for frames that say so. */
function body(random: Random): Buffer {
  if (random.once(5))
    return Buffer.concat([random.pick(NUMBERS), random.pick(NUMBERS), random.pick(NUMBERS)].map(uint32))
  return Buffer.alloc(
    random.once(12) ? random.pick([DATA_CHUNK_BYTES, INITIAL_WINDOW_BYTES + 1]) : random.pick([0, 1, 40]),
    'b',
  )
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}
