/** Frames put together and taken apart by the words of docs/protocol.md, without the code under test. */
import type { FrameType } from '../../../warmpool/wire/frames.ts'

export interface Frame {
  readonly type: number
  readonly id: number
  readonly payload: Buffer
}

export function frame(type: number, id: number, payload: string | Uint8Array = ''): Buffer {
  const bytes = Buffer.from(payload as Uint8Array)
  const header = Buffer.alloc(8)
  header.writeUIntLE(bytes.length, 0, 3)
  header.writeUInt8(type, 3)
  header.writeUInt32LE(id, 4)
  return Buffer.concat([header, bytes])
}

export function framesIn(bytes: Buffer): Frame[] {
  const frames: Frame[] = []
  for (let at = 0; at < bytes.length; ) {
    const end = at + 8 + bytes.readUIntLE(at, 3)
    if (end > bytes.length) throw new Error(`The frame at ${at} ends at ${end}, behind the last byte (${bytes.length})`)
    const payload = Buffer.from(bytes.subarray(at + 8, end))
    frames.push({ type: bytes.readUInt8(at + 3), id: bytes.readUInt32LE(at + 4), payload })
    at = end
  }
  return frames
}

/** Collects what a FrameReader passes on, each payload copied at once as whoever keeps it must. */
export class Collector {
  readonly frames: Frame[] = []
  /** The chunks that the payloads lay in. */
  readonly chunks: Buffer[] = []

  readonly take = (type: FrameType, id: number, chunk: Buffer, start: number, end: number): void => {
    this.frames.push({ type, id, payload: Buffer.from(chunk.subarray(start, end)) })
    this.chunks.push(chunk)
  }
}

/** The same "random" numbers in every run, from 0 up to `below`. */
export function numbers(seed: number): (below: number) => number {
  let state = seed >>> 0
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}
