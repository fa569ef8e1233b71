/**
 * How a value becomes bytes on a stream and is found there again: both ends of a stream channel share one. Four bytes
 * are an integer, anything else is a blob.
 */
export interface Format {
  encode(value: number | Uint8Array): readonly (Uint8Array | string)[]
  /** Made once for a stream; gives the values that a chunk completes. */
  decoder(): (chunk: Buffer) => (number | Uint8Array)[]
}

const LENGTH_BYTES = 4

/** Integers only: there is no line of raw bytes. */
const lines: Format = {
  encode: (value) => [`${value}\n`],
  decoder: () => splitLines((line) => Number(line.toString('latin1'))),
}

/** The seed's way. */
const base64: Format = {
  encode: (value) => [`${asBytes(value).toString('base64')}\n`],
  decoder: () => splitLines((line) => asValue(Buffer.from(line.toString('latin1'), 'base64'))),
}

/** The bytes themselves behind their length. */
const frames: Format = {
  encode(value) {
    const bytes = asBytes(value)
    const length = Buffer.allocUnsafe(LENGTH_BYTES)
    length.writeUInt32LE(bytes.length)
    return bytes.length < 1024 ? [Buffer.concat([length, bytes])] : [length, bytes]
  },
  decoder: splitFrames,
}

export const formats = { lines, base64, frames }
export type FormatName = keyof typeof formats

function splitLines<V>(read: (line: Buffer) => V): (chunk: Buffer) => V[] {
  let begun: Buffer[] = []
  return (chunk) => {
    const values: V[] = []
    let from = 0
    for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, from)) {
      const rest = chunk.subarray(from, at)
      values.push(read(begun.length === 0 ? rest : Buffer.concat([...begun, rest])))
      begun = []
      from = at + 1
    }
    if (from < chunk.length) begun.push(chunk.subarray(from))
    return values
  }
}

function splitFrames(): (chunk: Buffer) => (number | Uint8Array)[] {
  let begun: Buffer[] = []
  let begunBytes = 0
  let wantedBytes = LENGTH_BYTES
  return (chunk) => {
    begun.push(chunk)
    begunBytes += chunk.length
    if (begunBytes < wantedBytes) return []
    const bytes = begun.length === 1 ? chunk : Buffer.concat(begun)
    const values: (number | Uint8Array)[] = []
    let at = 0
    for (;;) {
      wantedBytes = LENGTH_BYTES
      if (bytes.length - at < wantedBytes) break
      wantedBytes += bytes.readUInt32LE(at)
      if (bytes.length - at < wantedBytes) break
      values.push(asValue(bytes.subarray(at + LENGTH_BYTES, at + wantedBytes)))
      at += wantedBytes
    }
    begun = at === bytes.length ? [] : [bytes.subarray(at)]
    begunBytes = bytes.length - at
    return values
  }
}

function asBytes(value: number | Uint8Array): Buffer {
  if (typeof value !== 'number') return Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  const bytes = Buffer.allocUnsafe(4)
  bytes.writeInt32LE(value)
  return bytes
}

function asValue(bytes: Buffer): number | Uint8Array {
  return bytes.length === 4 ? bytes.readInt32LE() : bytes
}
