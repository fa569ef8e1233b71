/** One function with every bad habit, each under a path of its own; `/good` behaves. */
import { spawn } from 'node:child_process'
import { closeSync, writeSync } from 'node:fs'

const MiB = 1024 * 1024

function streamOf(...chunks) {
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(new TextEncoder().encode(chunk))
      controller.close()
    },
  })
}

async function closedStream() {
  const stream = streamOf('read before it was returned')
  const response = new Response(stream)
  await response.text()
  return response
}

/** A frame's header: payload length, type, invocation id. */
function frame(length, type, id) {
  const header = Buffer.alloc(8)
  header.writeUIntLE(length, 0, 3)
  header[3] = type
  header.writeUInt32LE(id, 4)
  return header
}

function print(bytes) {
  const lines = `${'x'.repeat(1023)}\n`.repeat(1024)
  for (let written = 0; written < bytes; written += lines.length) process.stdout.write(lines)
}

let everReturned = null

const habits = {
  '/good': () => new Response(`fine ${process.pid}`),
  '/exit': () => process.exit(3),
  '/exit-later': () => {
    setTimeout(() => process.exit(0))
    return new Promise(() => {})
  },
  '/abort': () => process.abort(),
  '/uncaught': () => {
    setTimeout(() => {
      throw new Error('thrown where nobody catches')
    })
    return new Promise(() => {})
  },
  '/throw': () => {
    throw new Error('the cellar key lies under the mat')
  },
  '/reject': async () => {
    throw new Error('the cellar key lies under the mat')
  },
  '/throw-text': () => {
    throw 'the cellar key lies under the mat'
  },
  '/throw-nothing': () => {
    throw undefined
  },
  '/throw-hostile': () => {
    throw Object.defineProperty(new Error('x'), 'stack', {
      get() {
        throw new Error('not even that')
      },
    })
  },
  '/never': () => new Promise(() => {}),
  '/spin': () => {
    for (;;);
  },
  '/never-ends': () => {
    const stream = new ReadableStream({ start: (controller) => controller.enqueue(new TextEncoder().encode('first')) })
    return new Response(stream)
  },
  '/undefined': () => {},
  '/null': () => null,
  '/string': () => 'a string',
  '/number': () => 200,
  '/object': () => ({ status: 200, body: 'looks like one' }),
  '/closed-stream': closedStream,
  '/returned-twice': () => {
    everReturned ??= new Response(streamOf('once'))
    return everReturned
  },
  '/error-response': () => Response.error(),
  '/not-bytes': () => new Response(new ReadableStream({ start: (controller) => controller.enqueue({}) })),
  '/too-long': () => new Response('12345', { headers: { 'content-length': '50' } }),
  '/too-short': () => new Response('12345', { headers: { 'content-length': '3' } }),
  '/no-number': () => new Response('12345', { headers: { 'content-length': 'five' } }),
  '/two-lengths': () => new Response('12345', { headers: { 'content-length': '5, 6' } }),
  '/too-long-streamed': () => new Response(streamOf('12345'), { headers: { 'content-length': '50' } }),
  '/too-short-streamed': () => new Response(streamOf('123', '45HTTP/1.1 200'), { headers: { 'content-length': '3' } }),
  '/breaks-off': () => {
    let isFirst = true
    return new Response(
      new ReadableStream({
        pull(controller) {
          if (!isFirst) throw new Error('the cellar key lies under the mat')
          isFirst = false
          controller.enqueue(new TextEncoder().encode('first'))
        },
      }),
    )
  },
  '/many-headers': () => {
    const headers = new Headers()
    for (let count = 0; count < 5_000; count++) headers.set(`x-${count}`, 'y')
    return new Response('', { headers })
  },
  '/long-header': () => new Response('', { headers: { 'x-long': 'y'.repeat(MiB) } }),
  '/print': () => {
    print(64 * MiB)
    return new Response('printed')
  },
  '/print-line': () => {
    console.log('one more line')
    return new Response('printed')
  },
  '/print-long-line': () => {
    console.log('y'.repeat(MiB / 8))
    return new Response('printed')
  },
  '/close-channel': () => {
    closeSync(3)
    return new Response('who hears this?')
  },
  '/close-journal': () => {
    closeSync(4)
    return new Response('fine')
  },
  '/garbage': () => {
    writeSync(3, 'GET / HTTP/1.1\r\nhost: this-is-no-frame\r\n\r\n')
    return new Promise(() => {})
  },
  '/huge-frame': () => {
    writeSync(3, frame(0xffffff, 0x13, 1))
    return new Promise(() => {})
  },
  '/foreign-frame': () => {
    // An answer for an invocation that this worker was never given.
    writeSync(3, frame(7, 0x13, 4_000_000_000))
    writeSync(3, Buffer.alloc(7))
    return new Promise(() => {})
  },
  '/daemon': () => {
    // A child that outlives its parent, holding the pipes that the gateway reads.
    const child = spawn('sleep', ['1000'], { stdio: 'inherit' })
    child.unref()
    return new Response(String(child.pid))
  },
}

export default {
  fetch(request) {
    const habit = habits[new URL(request.url).pathname]
    return habit === undefined ? new Response(null, { status: 404 }) : habit()
  },
}
