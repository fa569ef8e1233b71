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
  // Not `instanceof`: bytes of another realm (a test runner's sandbox, `node:vm`) are bytes too.
  if (isUint8Array(value)) return { kind: 'bytes', body: value }
  if (isAnyArrayBuffer(value)) return { kind: 'bytes', body: new Uint8Array(value) }
  const text = JSON.stringify(value)
  if (text === undefined) throw new TypeError(`A ${typeof value} is neither a JSON value nor bytes`)
  return { kind: 'json', body: text }
}

/** Bytes come out as a Uint8Array of their own. Throws {@link ProtocolError} for an unknown kind or broken JSON. */
export function decodeValue(kind: string, body: Buffer): unknown {
  switch (kind) {
    case 'none':
      return undefined
    case 'bytes':
      return new Uint8Array(body)
    case 'json':
      try {
        return JSON.parse(body.toString('utf8'))
      } catch {
        throw new ProtocolError('A value announced as JSON is not JSON')
      }
    default:
      throw new ProtocolError(`Unknown kind of value "${kind.slice(0, 20)}"`)
  }
}
