/**
 * The frames between parent and worker, as numbers and limits; docs/protocol.md says the same in words for whoever
 * writes a runtime in another language. A frame is 8 bytes of header and a payload:
 *
 *   bytes 0-2  payload length, little-endian     byte 3  frame type     bytes 4-7  invocation id, little-endian
 *
 * Id 0 is the connection itself. Nothing here does I/O.
 */

export const PROTOCOL_VERSION = 1

export const HEADER_BYTES = 8

/** A longer payload breaks the protocol. Larger bodies travel in several `data` frames. */
export const MAX_PAYLOAD_BYTES = 4 * 1024 * 1024

/** How many body bytes of one invocation may be under way in one direction before the reader grants more. */
export const INITIAL_WINDOW_BYTES = 256 * 1024

/** The largest `data` frame that either side of ours sends, so that one stream cannot hold up the others for long. */
export const DATA_CHUNK_BYTES = 64 * 1024

/** Frame types. Below 0x10 both or the parent may send them, from 0x10 on only the worker. */
export const FRAME = {
  load: 0x01,
  request: 0x02,
  data: 0x03,
  end: 0x04,
  cancel: 0x05,
  window: 0x06,
  drain: 0x07,
  ping: 0x08,
  hello: 0x10,
  ready: 0x11,
  loadFailed: 0x12,
  response: 0x13,
  failed: 0x14,
  settled: 0x15,
  pong: 0x16,
  forked: 0x17,
  exited: 0x18,
  retire: 0x19,
} as const

/** Added to a type: the payload lies in the ring, and what stands in its place says where; see body-ring.ts. */
export const IN_RING = 0x80

export type FrameType = (typeof FRAME)[keyof typeof FRAME]

/**
 * A `request` payload is `flags u8 · time left u32 ms (0: no limit) · head length u32 · head · body`, a `response`
 * payload `flags u8 · status u16 · head length u32 · head · body`; both little-endian.
 */
export const REQUEST_PREFIX_BYTES = 9
export const RESPONSE_PREFIX_BYTES = 7

/** Flag of `request` and `response`: the body goes on in `data` frames up to an `end`. */
export const FLAG_MORE = 1
/** Flag of `response` and of an `end` payload: the answer is whole, but `waitUntil` work holds the slot until `settled`. */
export const FLAG_PENDING = 2
/** Flag of `request`: the caller came over TLS. */
export const FLAG_SECURE = 4

/** What is wrong with the bytes of the other side, which must then be given up. */
export class ProtocolError extends Error {
  override name = 'ProtocolError'
}
