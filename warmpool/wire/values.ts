/**
 * A task's input or output as a head and a body: any JSON value, or bytes without base64. The head names the kind,
 * the body is the JSON text or the bytes themselves.
 */
import { isAnyArrayBuffer, isUint8Array } from 'node:util/types'
import { ProtocolError } from './frames.ts'

export type ValueKind = 'json' | 'bytes' | 'none'

export interface EncodedValue {
  readonly kind: ValueKind
  readonly body: Uint8Array | string | null
}

const NONE: EncodedValue = { kind: 'none', body: null }

/** Throws TypeError for what is neither JSON nor bytes (a function, a symbol, a BigInt, a cycle). */
export function encodeValue(value: unknown): EncodedValue {
  if (value === undefined) return NONE
  // Integers are the most frequent of small values, and their text needs no JSON.
  if (Number.isSafeInteger(value)) return { kind: 'json', body: String(value) }
  // Not `instanceof`: bytes of another realm (a test runner's sandbox, `node:vm`) are bytes too.
  if (isUint8Array(value)) return { kind: 'bytes', body: value }
  if (isAnyArrayBuffer(value)) return { kind: 'bytes', body: new Uint8Array(value) }
  const text = JSON.stringify(value)
  if (text === undefined) throw new TypeError(`A ${typeof value} is neither a JSON value nor bytes`)
  return { kind: 'json', body: text }
}

/** Little-endian `json`: what most heads of tasks are. */
const JSON_HEAD = Buffer.from('json').readUInt32LE()

/** The kind that a head in a chunk names. */
export function kindAt(chunk: Buffer, start: number, end: number): string {
  if (end - start === 4 && chunk.readUInt32LE(start) === JSON_HEAD) return 'json'
  return chunk.toString('latin1', start, end)
}

/**
 * The value in a part of a chunk. Bytes come out as a Uint8Array that fills a buffer of its own: people take `.buffer`
 * of it. Throws {@link ProtocolError} for an unknown kind or broken JSON.
 */
export function decodeValue(kind: string, chunk: Buffer, start = 0, end = chunk.length): unknown {
  switch (kind) {
    case 'none':
      return undefined
    case 'bytes':
      return new Uint8Array(chunk.buffer.slice(chunk.byteOffset + start, chunk.byteOffset + end))
    case 'json':
      return shortInteger(chunk, start, end) ?? parseJson(chunk, start, end)
    default:
      throw new ProtocolError(`Unknown kind of value "${kind.slice(0, 20)}"`)
  }
}

/** What has at most this many digits is exact as a number. */
const MAX_DIGITS = 15
const DIGIT_0 = 0x30
const MINUS = 0x2d

/** Null for all but the digits of an integer as JSON writes it, and for -0. */
function shortInteger(chunk: Buffer, start: number, end: number): number | null {
  const isNegative = chunk[start] === MINUS
  const first = isNegative ? start + 1 : start
  if (end <= first || end - first > MAX_DIGITS) return null
  if (chunk[first] === DIGIT_0 && (isNegative || end - first > 1)) return null
  let value = 0
  for (let at = first; at < end; at++) {
    const digit = chunk[at]! - DIGIT_0
    if (digit < 0 || digit > 9) return null
    value = value * 10 + digit
  }
  return isNegative ? -value : value
}

function parseJson(chunk: Buffer, start: number, end: number): unknown {
  try {
    return JSON.parse(chunk.toString('utf8', start, end))
  } catch {
    throw new ProtocolError('A value announced as JSON is not JSON')
  }
}
