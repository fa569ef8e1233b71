// The body in upper case, as it streams: the first bytes leave before the last have come, and a body of any length
// needs the memory of a few chunks. Exports named like methods make this a `methods` function: other methods are
// answered with 405, and HEAD by GET, without a line here.

const LOWER_A = 0x61
const LOWER_Z = 0x7a
const TO_UPPER = 0x20

export function GET(): Response {
  return new Response('POST text and it comes back in upper case (ASCII letters), while you are still sending it.\n')
}

export function POST(request: Request): Response {
  // pipeThrough carries backpressure too: a slow reader slows the sender, and a reader that leaves stops it.
  const body = request.body?.pipeThrough(new TransformStream({ transform: upperCase })) ?? null
  return new Response(body, {
    // Not the sender's content-type: text that a stranger had posted as text/html must not run as a page of this site.
    headers: { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' },
  })
}

/**
 * Byte by byte is right for UTF-8, however chunks are cut: the bytes of a character beyond ASCII are all above 0x7f.
 * The chunk is copied, because whoever handed it in may still use it.
 */
function upperCase(chunk: Uint8Array, controller: TransformStreamDefaultController<Uint8Array>): void {
  const upper = new Uint8Array(chunk)
  for (let i = 0; i < upper.length; i += 1) {
    const byte = upper[i]!
    if (byte >= LOWER_A && byte <= LOWER_Z) upper[i] = byte - TO_UPPER
  }
  controller.enqueue(upper)
}
