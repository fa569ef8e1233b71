/**
 * Several runtimes in one gateway, each installed from npm by the command of the command line. Without npm's registry
 * these tests are skipped, and say so; in CI they are not.
 */
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { serveHttp } from '../gateway/cli/run-cli.ts'
import { addRuntimes } from './added-runtimes.ts'
import { shareGateway } from './gateway-under-test.ts'

const NAMES = ['node@22', 'node@24', 'bun', 'deno'] as const
const { names, run, state } = addRuntimes(...NAMES)

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
      python: { 'main.py': 'def handler(request):\n    return "python"\n' },
      first: withPackage('1.2.3'),
      second: withPackage('2.0.0'),
    },
    config: { state },
  })

  it('says what is installed', () => {
    const listed = JSON.parse(run('list', '--json').stdout) as { runtime: string; from: string }[]
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
