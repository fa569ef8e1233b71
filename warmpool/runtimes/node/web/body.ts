/**
 * What the lazy Request and Response share about bodies. A body is text, bytes or a stream and is read once; every
 * second reader gets the TypeError that Node's own classes give.
 */
import { Readable } from 'node:stream'

export type ByteStream = ReadableStream<Uint8Array>

/** Text or bytes that lie here whole. */
export type Content = string | Uint8Array

/** Asks nothing of `ReadableStream`: looking at it loads all of Node's web streams, which most workers never need. */
export function isStream(body: Content | ByteStream): body is ByteStream {
  return typeof body !== 'string' && !ArrayBuffer.isView(body)
}

/** Streams made of content that lies here whole, so that a response made of such a stream can be sent in one piece. */
const contentOf = new WeakMap<ByteStream, Content>()

const encoder = new TextEncoder()

/** Somebody has read from the stream, or cancelled it. A lock alone does not count. */
export function isRead(stream: ByteStream): boolean {
  return Readable.isDisturbed(stream as Parameters<typeof Readable.isDisturbed>[0])
}

export function isReadable(stream: ByteStream): boolean {
  return !stream.locked && !isRead(stream)
}

export function unusable(): TypeError {
  return new TypeError('Body is unusable: Body has already been read')
}

export function streamOf(content: Content): ByteStream {
  const stream = new ReadableStream(
    {
      type: 'bytes',
      pull(controller) {
        // A byte stream takes the memory for itself, so it gets a copy.
        const bytes = typeof content === 'string' ? encoder.encode(content) : new Uint8Array(content)
        if (bytes.length > 0) controller.enqueue(bytes)
        controller.close()
        ;(controller as ReadableByteStreamController).byobRequest?.respond(0)
      },
    },
    { highWaterMark: 0 },
  )
  contentOf.set(stream, content)
  return stream
}

/** What a stream nobody has read from would give, where that is known; else the stream. */
export function shortcut(stream: ByteStream): Content | ByteStream {
  return contentOf.get(stream) ?? stream
}

/** What `body` shows after the body was read: locked, closed, disturbed. */
export function spentStream(): ByteStream {
  const stream: ByteStream = new ReadableStream({ type: 'bytes' })
  void stream.getReader().cancel()
  return stream
}

/** Reads the stream to its end. Throws TypeError when somebody reads it already, or when it gives other than bytes. */
export async function collect(stream: ByteStream): Promise<Uint8Array> {
  if (!isReadable(stream)) throw unusable()
  const reader = stream.getReader()
  const taken: Uint8Array[] = []
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    if (!(part.value instanceof Uint8Array)) throw new TypeError('Received non-Uint8Array chunk')
    taken.push(part.value)
  }
  return taken.length === 1 ? taken[0]! : Buffer.concat(taken)
}

/** As `text()` gives it: UTF-8 without a byte order mark. */
export function toText(content: Content): string {
  const text =
    typeof content === 'string'
      ? content.toWellFormed()
      : Buffer.from(content.buffer, content.byteOffset, content.byteLength).toString('utf8')
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text
}

/** The same for content that nobody else has: without a copy where it fills its buffer. */
export function givenBytes(content: Content): Uint8Array<ArrayBuffer> {
  if (typeof content === 'string' || content.byteLength < content.buffer.byteLength) return ownBytes(content)
  return new Uint8Array(content.buffer as ArrayBuffer)
}

/** Bytes in a buffer of their own, as `bytes()` and `arrayBuffer()` give them. */
export function ownBytes(content: Content): Uint8Array<ArrayBuffer> {
  return typeof content === 'string' ? encoder.encode(content) : new Uint8Array(content)
}
