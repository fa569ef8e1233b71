/**
 * Several runtimes in one gateway, each installed from npm by the command of the command line. Without npm's registry
 * these tests are skipped, and say so; in CI they are not.
 */
import { spawnSync } from 'node:child_process'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { findRuntime } from '../../gateway/runtimes/located.ts'
import { serveHttp } from '../gateway/cli/run-cli.ts'
import { addRuntimes } from './added-runtimes.ts'
import { shareGateway } from './gateway-under-test.ts'

const NAMES = ['node@22', 'node@24', 'bun', 'deno'] as const
const added = addRuntimes(...NAMES)
const { names, state } = added

/** What a function can see of where it runs, and what passes the harness's own code: bodies, streams, errors. */
const PROBE = `
const { bun, deno, node } = process.versions
export default {
  async fetch(request) {
    const { pathname, searchParams } = new URL(request.url)
    if (pathname.endsWith('/echo')) return new Response(await request.arrayBuffer(), { headers: request.headers })
    if (pathname.endsWith('/stream')) return new Response(request.body)
    if (pathname.endsWith('/throws')) throw new Error('thrown on purpose')
    if (pathname.endsWith('/fetched')) {
      const fetched = await fetch(searchParams.get('url'))
      return new Response(fetched.body, fetched)
    }
    return Response.json({ bun: bun ?? null, deno: deno ?? null, node, isRequest: request instanceof Request })
  },
}
`

function probe(name: string): Record<string, string> {
  return { 'index.js': PROBE, 'function.json': JSON.stringify({ runtime: name }) }
}

/** A program of Node's kind, as it listens elsewhere: here nothing does, and the gateway's requests reach it. */
const LISTENING = `
import { createServer } from 'node:http'
createServer((request, response) => {
  response.setHeader('x-url', request.url)
  request.pipe(response)
}).listen(3000, () => console.log('says that it listens'))
`

const EXPRESS = `
import express from 'express'
const app = express()
app.use(express.json())
app.post('/said', (request, response) => response.status(201).json({ said: request.body }))
app.listen(3000)
`

const BUN_SERVE = `
const server = Bun.serve({
  port: 3000,
  fetch(request, { requestIP }) {
    if (new URL(request.url).pathname === '/throws') throw new Error('on purpose')
    return new Response('served to ' + requestIP(request).address)
  },
  error: ({ message }) => new Response(message, { status: 418 }),
})
console.log('listens on ' + server.url)
`

/** What it exports is the function. Native code and other modules of Bun's are the kernel's business. */
const BUN_BESIDE = `
const pretended = Bun.serve({ port: 65529, fetch: () => new Response('not this') })
const tried = (open) => {
  try {
    return String(open().port)
  } catch (error) {
    return error.code + ': ' + error.message
  }
}
export function GET() {
  const later = () => Bun.serve({ port: 65529, fetch: () => new Response() })
  const any = () => Bun.serve({ port: 0, fetch: () => new Response() })
  const raw = () => Bun.listen({ hostname: '0.0.0.0', port: 65529, socket: { data() {} } })
  return Response.json([pretended.port, ...[later, any, raw].map(tried)])
}
`

/** Where the code is a fetch handler after all, a server of its own listens where the operator lets it. */
const BESIDE = `
import { createServer } from 'node:http'
const own = createServer((_, response) => response.end('from its own server'))
await new Promise((resolve) => own.listen(0, '127.0.0.1', resolve))
export default { fetch: () => fetch('http://127.0.0.1:' + own.address().port) }
`

function run(name: string, code: string): Record<string, string> {
  return { 'index.js': code, 'function.json': JSON.stringify({ runtime: name }) }
}

const LISTENERS = { old: 'node@22', before: 'node@24', bun: 'bun', deno: 'deno' } as const

/** One npm package in two versions: each function's folder has its own, and its bundle holds that. */
function withPackage(version: string): Record<string, string> {
  const manifest = JSON.stringify({ name: 'greeting', version, main: 'index.js' })
  return {
    'index.js': `import version from 'greeting'\nexport default { fetch: () => new Response(version) }\n`,
    'node_modules/greeting/package.json': manifest,
    'node_modules/greeting/index.js': `module.exports = '${version}'\n`,
  }
}

describe.skipIf(names.length === 0)('runtimes from npm', () => {
  const gateway = shareGateway({
    functions: {
      own: probe('node'),
      old: probe('node@22'),
      before: probe('node@24'),
      bun: probe('bun'),
      deno: probe('deno'),
      'bun-serve': run('bun', BUN_SERVE),
      'bun-beside': run('bun', BUN_BESIDE),
      'bun-routes': run('bun', 'Bun.serve({ routes: { "/": () => new Response() } })'),
      python: { 'main.py': 'def handler(request):\n    return "python"\n' },
      first: withPackage('1.2.3'),
      second: withPackage('2.0.0'),
      ...Object.fromEntries(
        Object.entries(LISTENERS).flatMap(([name, runtime]) => [
          [`listening-${name}`, run(runtime, LISTENING)],
          [`express-${name}`, run(runtime, EXPRESS)],
          [`beside-${name}`, run(runtime, BESIDE)],
        ]),
      ),
    },
    packages: 'installed',
    config: {
      state,
      overrides: Object.fromEntries(Object.keys(LISTENERS).map((name) => [`beside-${name}`, { listen: 'loopback' }])),
    },
  })

  it('says what is installed', () => {
    const listed = JSON.parse(added.run('list', '--json').stdout) as { runtime: string; from: string }[]
    const installed = listed.filter(({ from }) => from === 'installed').map((one) => one.runtime)
    expect(installed.sort()).toEqual([...NAMES].sort())
  })

  it('all answer, each as what it is', async () => {
    const said = async (name: string) => (await (await gateway().fetch(`/${name}`)).json()) as Record<string, string>
    const [own, old, before, bun, deno] = await Promise.all(['own', 'old', 'before', 'bun', 'deno'].map(said))
    expect(own).toMatchObject({ node: process.versions.node, bun: null, deno: null, isRequest: true })
    expect(old).toMatchObject({ node: expect.stringMatching(/^22\./), bun: null, deno: null, isRequest: true })
    expect(before).toMatchObject({ node: expect.stringMatching(/^24\./), bun: null, deno: null, isRequest: true })
    expect(bun).toMatchObject({ bun: expect.stringMatching(/^\d/), deno: null, isRequest: true })
    expect(deno).toMatchObject({ deno: expect.stringMatching(/^2\./), bun: null, isRequest: true })
    const { workers } = await gateway().statusOf('bun')
    expect(workers[0]!.runtime).toBe(`bun ${bun!.bun}`)
  })

  it.each(['old', 'before', 'bun', 'deno'])('%s takes and gives bodies, small, large and as streams', async (name) => {
    for (const bytes of [5, 40_000, 3_000_000]) {
      const body = Buffer.alloc(bytes, 'abcdefg')
      for (const way of ['echo', 'stream']) {
        const response = await gateway().fetch(`/${name}/${way}`, { method: 'POST', body })
        expect(body.equals(Buffer.from(await response.arrayBuffer())), `${way} of ${bytes}`).toBe(true)
      }
    }
  })

  it.each(['old', 'before', 'bun', 'deno'])('%s survives what a handler throws', async (name) => {
    expect(await gateway().problem(`/${name}/throws`)).toMatchObject({ status: 500, code: 'handler-threw' })
    expect((await gateway().fetch(`/${name}`)).status).toBe(200)
  })

  it.each(['old', 'before', 'bun', 'deno'])(
    '%s passes on what it fetched, without a coding it took off',
    async (name) => {
      await using origin = await serveHttp((_, response) => {
        response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('plain'))
      })
      const response = await gateway().fetch(`/${name}/fetched?url=${origin.url}`)
      expect(response.headers.get('content-encoding')).toBe(null)
      expect(await response.text()).toBe('plain')
    },
  )

  it.each(Object.keys(LISTENERS))('%s serves a program that listens', async (name) => {
    for (const bytes of [5, 3_000_000]) {
      const body = Buffer.alloc(bytes, 'abcdefg')
      const response = await gateway().fetch(`/listening-${name}/x?y=1`, { method: 'POST', body })
      expect(response.headers.get('x-url')).toBe('/x?y=1')
      expect(body.equals(Buffer.from(await response.arrayBuffer())), `${bytes} bytes`).toBe(true)
    }
    await gateway().logged((line) => line.function === `listening-${name}` && line.msg === 'says that it listens')
  })

  it.each(Object.keys(LISTENERS))('%s serves an Express app that listens', async (name) => {
    const headers = { 'content-type': 'application/json' }
    const response = await gateway().fetch(`/express-${name}/said`, { method: 'POST', headers, body: '{"a":1}' })
    expect([response.status, await response.json()]).toEqual([201, { said: { a: 1 } }])
  })

  it.each(Object.keys(LISTENERS))(
    '%s lets a server listen on loopback that is not the function itself, where the operator does',
    async (name) => {
      expect(await (await gateway().fetch(`/beside-${name}`)).text()).toBe('from its own server')
    },
  )

  it('bun opens no port for what is not the function', async () => {
    const [exported, later, any, raw] = (await (await gateway().fetch('/bun-beside')).json()) as string[]
    expect([exported, later]).toEqual([65529, '65529'])
    expect(any).toContain('overrides.bun-beside.listen')
    expect(raw).toMatch(/EACCES|Failed to listen/)
  })

  it('bun serves what is given to Bun.serve, and says what of it is not there', async () => {
    expect(await (await gateway().fetch('/bun-serve')).text()).toBe('served to 127.0.0.1')
    const thrown = await gateway().fetch('/bun-serve/throws')
    expect([thrown.status, await thrown.text()]).toEqual([418, 'on purpose'])
    const problem = await gateway().problem('/bun-routes')
    expect(problem).toMatchObject({ status: 503, code: 'init-failed' })
    expect(problem.detail).toContain('`routes` and `websocket` of Bun.serve are not there. Answer in `fetch`')
  })

  it('bun gives memory back when it is idle, and lives on', () => {
    const { file } = findRuntime(state, 'bun')!
    const giveBack = new URL('../../warmpool/runtimes/node/give-back.ts', import.meta.url).href
    const script = `import { giveBack } from '${giveBack}'; giveBack(); console.log('alive')`
    expect(spawnSync(file, ['-e', script], { encoding: 'utf8' })).toMatchObject({ status: 0, stdout: 'alive\n' })
  })

  it('has Python beside them', async () => {
    expect(await (await gateway().fetch('/python')).text()).toBe('python')
  })

  it('has two versions of one package in two functions', async () => {
    expect(await (await gateway().fetch('/first')).text()).toBe('1.2.3')
    expect(await (await gateway().fetch('/second')).text()).toBe('2.0.0')
  })
})

describe('a runtime that is not there', () => {
  const gateway = shareGateway({ functions: { missing: probe('node@22'), other: probe('node') } })

  it('is one clear message with what to do, and others are served', async () => {
    const problem = await gateway().problem('/missing')
    expect(problem.status).toBe(503)
    expect(problem.detail).toContain('runtime node@22 is not installed: npx wrangler-free runtime add node@22')
    expect((await gateway().fetch('/other')).status).toBe(200)
    await gateway().logged(({ msg }) => msg.startsWith('runtime node@22 is not installed'))
  })
})
