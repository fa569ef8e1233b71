/** A function that shows what reaches it, and lets a test say when it goes on. All its calls share one worker. */
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'

const encoder = new TextEncoder()
/** Promises that `/release/<name>` resolves. */
const gates = new Map()
const marks = new Set()

function gate(name) {
  if (!gates.has(name)) gates.set(name, Promise.withResolvers())
  return gates.get(name)
}

function stream(start) {
  return new ReadableStream({ start: (controller) => void start(controller) })
}

const pages = {
  echo: (request) => new Response(request.body, { headers: { 'content-type': 'application/octet-stream' } }),
  hash: async (request) => {
    const hash = createHash('sha256')
    for await (const chunk of request.body) hash.update(chunk)
    return new Response(hash.digest('hex'))
  },
  whole: async (request) => new Response(await request.bytes()),
  upper: (request) => {
    const upper = new TransformStream({
      transform: (chunk, controller) => controller.enqueue(encoder.encode(Buffer.from(chunk).toString().toUpperCase())),
    })
    return new Response(request.body.pipeThrough(upper))
  },
  'two-steps': (_request, name) =>
    new Response(
      stream(async (controller) => {
        controller.enqueue(encoder.encode('first'))
        await gate(name).promise
        controller.enqueue(encoder.encode('second'))
        controller.close()
      }),
    ),
  'read-later': async (request, name) => {
    await gate(name).promise
    return new Response(String((await request.bytes()).length))
  },
  release: (_request, name) => {
    gate(name).resolve()
    return new Response('released')
  },
  held: async (_request, name) => {
    await gate(name).promise
    return new Response(`held ${name}`)
  },
  aborted: (request, name) =>
    new Promise((_resolve, reject) => {
      marks.add(`${name} began`)
      request.signal.addEventListener('abort', () => {
        marks.add(`${name} ${request.signal.reason.name}`)
        reject(request.signal.reason)
      })
    }),
  'aborted-stream': (_request, name) => {
    const body = new ReadableStream({
      pull: (controller) => controller.enqueue(new Uint8Array(64 * 1024)),
      cancel: () => marks.add(`${name} cancelled`),
    })
    return new Response(body)
  },
  'aborted-body': async (request, name) => {
    marks.add(`${name} began`)
    await request.bytes().catch((error) => marks.add(`${name} ${error.name}`))
    return new Response()
  },
  marks: () => Response.json([...marks]),
  request: (request, _name, _env, ctx) =>
    Response.json({
      method: request.method,
      url: request.url,
      headers: Object.fromEntries(request.headers),
      invocationId: ctx.invocationId,
    }),
  bytes: () => new Response(Uint8Array.from({ length: 256 }, (_, at) => at)),
  cookies: () => {
    const headers = new Headers([
      ['set-cookie', 'a=1; Path=/'],
      ['set-cookie', 'b=2, still b'],
    ])
    return new Response('', { headers })
  },
  'connection-headers': () =>
    new Response('fine', {
      headers: {
        connection: 'close, x-internal',
        'x-internal': '1',
        'keep-alive': 'timeout=1',
        'transfer-encoding': 'gzip',
        te: 'trailers',
        trailer: 'x-sum',
        upgrade: 'h2c',
        'proxy-authenticate': 'Basic',
        'proxy-connection': 'close',
        'x-request-id': 'of the function',
        'x-fine': 'yes',
      },
    }),
  status: (_request, code) => new Response(null, { status: Number(code), headers: { etag: '"1"' } }),
  'unmodified-length': () => new Response(null, { status: 304, headers: { 'content-length': '1234' } }),
  env: (_request, _name, env) => Response.json({ env, process: process.env }),
  files: () =>
    Response.json({
      byUrl: readFileSync(new URL('./data.txt', import.meta.url), 'utf8'),
      byPath: readFileSync('data.txt', 'utf8'),
      below: readFileSync('more/data.txt', 'utf8'),
    }),
  later: (_request, _name, env, ctx) => {
    ctx.waitUntil(
      new Promise((resolve) => {
        const timer = setInterval(() => {
          if (!existsSync(env.GO)) return
          clearInterval(timer)
          writeFileSync(env.DONE, String(process.pid))
          resolve()
        }, 10)
      }),
    )
    return new Response(String(process.pid))
  },
  pid: () => new Response(String(process.pid)),
}

export default {
  fetch(request, env, ctx) {
    const [, page, name] = new URL(request.url).pathname.split('/')
    return pages[page]?.(request, name, env, ctx) ?? new Response('no such page', { status: 404 })
  },
}
