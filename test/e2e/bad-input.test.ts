import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { serveHttp } from '../gateway/cli/run-cli.ts'
import { runGateway, shareGateway, startGateway } from './gateway-under-test.ts'
import { eventually, isAlive, rssBytesOf } from './processes.ts'

const MISBEHAVE = readFileSync(new URL('./functions/misbehave.mjs', import.meta.url), 'utf8')
const MiB = 1024 * 1024
const SECRET = 'cellar key'

/** Whoever has to wait for these has waited for too long: nothing but an answer at once ends the test in time. */
const NOT_IN_TIME = { bootTimeout: '10m', queue: { timeout: '10m' } }

const gateway = shareGateway({
  functions: {
    misbehave: { 'index.mjs': MISBEHAVE },
    slow: { 'index.mjs': MISBEHAVE },
    'does-not-build.ts': 'export default {\n  fetch() { return new Response("x" }\n}\n',
    'no-such-import.ts': 'import { gone } from "./gone.ts"\nexport default { fetch: () => gone() }\n',
    'throws-at-import.ts':
      "// A comment.\nconst port: number = 5432\nthrow new Error('no database at ' + port)\nexport default {}\n",
    'exits-at-import': 'process.exit(7)\n',
    'hangs-at-import': 'await new Promise(() => setInterval(() => {}, 1000))\nexport default { fetch() {} }\n',
    'exports-nothing': 'export const answer = 42\n',
    crashes: 'export default { fetch(request) { process.exit(9) } }\n',
    empty: { 'README.md': 'no code here' },
  },
  config: {
    overrides: {
      misbehave: { ...NOT_IN_TIME },
      slow: { timeout: '300ms', streamIdleTimeout: '300ms' },
      'throws-at-import': { ...NOT_IN_TIME },
      'exits-at-import': { ...NOT_IN_TIME },
      'hangs-at-import': { bootTimeout: '300ms' },
      crashes: { ...NOT_IN_TIME },
    },
  },
})

/** The function answers a good call, and from which process. */
async function expectGood(name = 'misbehave'): Promise<number> {
  const response = await gateway().fetch(`/${name}/good`)
  const text = await response.text()
  expect([response.status, text]).toEqual([200, expect.stringMatching(/^fine \d+$/)])
  return Number(text.split(' ')[1])
}

test.for([
  '/',
  '/nothing',
  '/misbehavex/good',
  '//misbehave/good',
  '/../misbehavex',
  '/%6disbehavex',
  '/a?b=/misbehave',
])('an unknown route is 404: %s', async (path) => {
  const answer = await gateway().raw(`GET ${path} HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n`)
  expect(answer).toMatch(/^HTTP\/1\.1 404 /)
  expect(answer).toContain('"code":"not-found","fault":"caller"')
})

test('a function that does not build is 503 with file and line, and the others are unaffected', async () => {
  const problem = await gateway().problem('/does-not-build')
  expect(problem).toMatchObject({ status: 503, code: 'build-failed', fault: 'function' })
  expect(problem.detail).toContain('does-not-build.ts:2')
  const entry = await gateway().logged((line) => line.function === 'does-not-build')
  expect(entry.msg).toMatch(/^cannot be built: /)
  expect(entry.frame).toContain('return new Response("x" }')
  const { error } = await gateway().statusOf('does-not-build')
  expect(error).toMatchObject({ code: 'build-failed', line: 2, file: expect.stringContaining('does-not-build.ts') })
  await expectGood()
})

test('a function that imports what is not there does not build', async () => {
  const problem = await gateway().problem('/no-such-import')
  expect(problem).toMatchObject({ status: 503, code: 'build-failed' })
  expect(problem.detail).toContain('no-such-import.ts:1')
})

test('a folder without code is 503 and says what is missing', async () => {
  expect(await gateway().problem('/empty')).toMatchObject({ status: 503, code: 'build-failed' })
  const { error } = await gateway().statusOf('empty')
  expect(error?.message).toContain('index.')
})

test('a function that throws at import is 503 at once, and the log shows file, line and code frame', async () => {
  for (let count = 0; count < 3; count++) {
    const problem = await gateway().problem('/throws-at-import')
    expect(problem).toMatchObject({ status: 503, code: 'init-failed', fault: 'function' })
    expect(problem.detail).toContain('no database at 5432')
    expect(problem.detail).not.toContain('    at ')
  }
  const entry = await gateway().logged((line) => line.function === 'throws-at-import' && line.frame !== undefined)
  expect(entry.msg).toContain('throws-at-import.ts:3')
  expect(entry.frame).toContain("> 3 | throw new Error('no database at ' + port)")
  const { error, unavailable } = await gateway().statusOf('throws-at-import')
  expect(error).toMatchObject({ code: 'init-failed', file: 'throws-at-import.ts', line: 3 })
  expect(unavailable).toMatchObject({ code: 'init-failed' })
  await expectGood()
})

test('a function that exits at import is 503 at once', async () => {
  const problem = await gateway().problem('/exits-at-import')
  expect(problem).toMatchObject({ status: 503, code: 'init-failed', fault: 'function' })
  expect(problem.detail).toContain('exit code 7')
})

test('a function whose import never ends is 503 after its boot time-out', async () => {
  const problem = await gateway().problem('/hangs-at-import')
  expect(problem).toMatchObject({ status: 503, code: 'init-failed' })
  expect(problem.detail).toContain('300 ms')
})

test('a function that exports no handler is 503 and says what it could export', async () => {
  expect(await gateway().problem('/exports-nothing')).toMatchObject({ status: 503, code: 'init-failed' })
  const entry = await gateway().logged((line) => line.function === 'exports-nothing')
  expect(entry.msg).toContain('exports answer (number)')
  expect(entry.msg).toContain('export default { fetch(request) {')
})

test.for(['/exit', '/exit-later', '/abort'])(
  'a function that ends its process during a call is 502, and the next call works: %s',
  async (path) => {
    const before = await expectGood()
    const problem = await gateway().problem(`/misbehave${path}`)
    expect(problem).toMatchObject({ status: 502, code: 'worker-died', fault: 'function' })
    expect(await expectGood()).not.toBe(before)
    expect(isAlive(before)).toBe(false)
  },
)

test('an error that nothing catches fails its own call, is in the log, and its worker is replaced', async () => {
  const before = await expectGood()
  expect(await gateway().problem('/misbehave/uncaught')).toMatchObject({ status: 500, code: 'handler-threw' })
  expect(await expectGood()).not.toBe(before)
  await eventually(() => !isAlive(before))
  await gateway().logged((line) => line.stream === 'stderr' && line.msg.includes('thrown where nobody catches'))
})

test('a function that crashes at every call is 503 crash-loop at once', async () => {
  const codes: string[] = []
  while (codes.at(-1) !== 'crash-loop') {
    const { code, status, fault } = await gateway().problem('/crashes')
    expect([status, fault]).toEqual([code === 'crash-loop' ? 503 : 502, 'function'])
    codes.push(code)
  }
  expect(new Set(codes)).toEqual(new Set(['worker-died', 'crash-loop']))
  const response = await gateway().fetch('/crashes')
  expect(response.status).toBe(503)
  expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0)
  await response.body?.cancel()
  await expectGood()
})

test.for(['/throw', '/reject', '/throw-text'])(
  'a function that throws is 500; what it threw is in the log under the invocation id, never with the caller: %s',
  async (path) => {
    const before = await expectGood()
    const response = await gateway().fetch(`/misbehave${path}`)
    const text = await response.text()
    expect(text).not.toContain(SECRET)
    const problem = JSON.parse(text)
    expect(problem).toMatchObject({ status: 500, code: 'handler-threw', fault: 'function' })
    expect(response.headers.get('x-request-id')).toBe(problem.invocation)
    const entry = await gateway().logged((line) => line.id === problem.invocation)
    expect(entry.msg).toContain(SECRET)
    if (path !== '/throw-text') expect(entry.stack).toMatch(/at .*index\.mjs:\d+/)
    expect(await expectGood()).toBe(before)
  },
)

test.for(['/throw-nothing', '/throw-hostile'])('whatever is thrown, the call is 500: %s', async (path) => {
  expect(await gateway().problem(`/misbehave${path}`)).toMatchObject({ status: 500, code: 'handler-threw' })
  await expectGood()
})

test.for(['/never', '/spin'])(
  'a function that never settles is 504, its worker is gone, and the next call is served: %s',
  async (path) => {
    const before = await expectGood('slow')
    const problem = await gateway().problem(`/slow${path}`)
    expect(problem).toMatchObject({ status: 504, code: 'timeout', fault: 'function' })
    expect(await expectGood('slow')).not.toBe(before)
    await eventually(() => !isAlive(before))
  },
)

test('a response that stands still is cut off at its time-out, and the worker is gone', async () => {
  const before = await expectGood('slow')
  const response = await gateway().fetch('/slow/never-ends')
  expect(response.status).toBe(200)
  await expect(response.text()).rejects.toThrow('terminated')
  expect(await expectGood('slow')).not.toBe(before)
  await eventually(() => !isAlive(before))
})

test.for(['/undefined', '/null', '/string', '/number', '/object', '/closed-stream', '/error-response'])(
  'a function that returns what is not a response is 502, and its worker lives on: %s',
  async (path) => {
    const before = await expectGood()
    expect(await gateway().problem(`/misbehave${path}`)).toMatchObject({
      status: 502,
      code: 'not-a-response',
      fault: 'function',
    })
    expect(await expectGood()).toBe(before)
  },
)

test('a function that returns the same response twice is 502 the second time', async () => {
  expect(await (await gateway().fetch('/misbehave/returned-twice')).text()).toBe('once')
  expect(await gateway().problem('/misbehave/returned-twice')).toMatchObject({ status: 502, code: 'not-a-response' })
})

test.for(['/too-long', '/too-short', '/no-number', '/two-lengths'])(
  'a wrong content-length of a whole body is replaced by its own: %s',
  async (path) => {
    const response = await gateway().fetch(`/misbehave${path}`)
    const { byteLength } = await response.arrayBuffer()
    expect([response.status, response.headers.get('content-length')]).toEqual([200, String(byteLength)])
    await expectGood()
  },
)

test.for(['/too-long-streamed', '/too-short-streamed', '/breaks-off', '/not-bytes'])(
  'a streamed body that is not what was announced ends with the connection, so that nobody takes it for whole: %s',
  async (path) => {
    const answer = await gateway().raw(`GET /misbehave${path} HTTP/1.1\r\nhost: here\r\n\r\n`)
    expect(answer).toMatch(/^HTTP\/1\.1 200 /)
    expect(answer).not.toMatch(/\r\n0\r\n\r\n$/)
    const body = answer.slice(answer.indexOf('\r\n\r\n') + 4)
    expect(body.length).toBeLessThan(50)
    expect(body).not.toContain('HTTP')
    expect(answer).not.toContain(SECRET)
    await gateway().logged((line) => line.status === 200 && line.msg.startsWith(`GET /misbehave${path}`))
    await expectGood()
  },
)

test.for(['/many-headers', '/long-header'])('headers that no caller would take are 502: %s', async (path) => {
  const problem = await gateway().problem(`/misbehave${path}`)
  expect(problem).toMatchObject({ status: 502, code: 'response-headers-too-large', fault: 'function' })
  await expectGood()
})

test('a function that prints megabytes is answered; the log is cut with a mark and the gateway stays small', async () => {
  const linesBefore = gateway().log.length
  const before = rssBytesOf(gateway().pid)
  expect(await (await gateway().fetch('/misbehave/print')).text()).toBe('printed')
  expect(rssBytesOf(gateway().pid) - before).toBeLessThan(32 * MiB)
  await eventually(async () => {
    await (await gateway().fetch('/misbehave/print-line')).text()
    return gateway().log.some((line) => /\d+ bytes of output dropped/.test(line.msg))
  })
  expect(gateway().log.length - linesBefore).toBeLessThan(4_000)
})

test('a very long line is cut with a mark', async () => {
  await eventually(async () => {
    await (await gateway().fetch('/misbehave/print-long-line')).text()
    return gateway().log.some((line) => /^y{100,}… \(line cut\)$/.test(line.msg))
  })
})

test.for(['/close-channel', '/garbage', '/huge-frame', '/foreign-frame'])(
  'a function that breaks the channel to the gateway is 502, and the next call works: %s',
  async (path) => {
    const before = await expectGood()
    const problem = await gateway().problem(`/misbehave${path}`)
    expect(problem.status).toBe(502)
    expect(['worker-died', 'worker-broke-protocol']).toContain(problem.code)
    expect(await expectGood()).not.toBe(before)
    await eventually(() => !isAlive(before))
  },
)

test('a function that closes the journal loses its worker, and the next call works', async () => {
  const before = await expectGood()
  expect((await gateway().fetch('/misbehave/close-journal')).status).toBe(200)
  expect(await expectGood()).not.toBe(before)
})

test('what a function has started does not outlive its worker', async () => {
  const before = await expectGood()
  const child = Number(await (await gateway().fetch('/misbehave/daemon')).text())
  expect(isAlive(child)).toBe(true)
  await gateway().problem('/misbehave/exit')
  await eventually(() => !isAlive(before) && !isAlive(child))
})

test('a missing functions folder ends the command with a message that says what to do', async () => {
  const run = runGateway({ functions: {}, config: { functions: 'nowhere' } })
  expect(await run.ended()).toBe(1)
  expect(run.errors.join('\n')).toContain(`There is no folder ${run.project.path('nowhere')}`)
  expect(run.errors.join('\n')).toContain('--functions DIR')
})

test.for(['--port', '--admin-port'])(
  'a port in use ends the command with its address and the way out: %s',
  async (flag) => {
    await using taken = await serveHttp(() => {})
    const port = new URL(taken.url).port
    const other = flag === '--port' ? '--admin-port' : '--port'
    const run = runGateway({ functions: { hello: 'export default () => new Response()' } }, [flag, port, other, '0'])
    expect(await run.ended()).toBe(1)
    expect(run.errors.join('\n')).toContain(`127.0.0.1:${port}`)
    expect(run.errors.join('\n')).toContain(flag)
  },
)

test('a state folder is one gateway’s: another one ends with the way out, until that one has ended, however', async () => {
  const state = mkdtempSync(join(tmpdir(), 'wrangler-free-state-'))
  onTestFinished(() => rmSync(state, { recursive: true }))
  const shared = { functions: { hello: 'export default () => new Response("hi")' }, config: { state } }
  const first = await startGateway(shared)
  const second = runGateway(shared, ['--port', '0', '--admin-port', '0'])
  expect(await second.ended()).toBe(1)
  expect(second.errors.join('\n')).toMatch(/Another gateway \(its admin address is http:\S+\) .*--state DIR/)
  expect((await first.fetch('/hello')).status).toBe(200)
  first.signal('SIGKILL')
  await first.exited
  expect((await (await startGateway(shared)).fetch('/hello')).status).toBe(200)
})

test('an invalid configuration ends the command with all its mistakes', async () => {
  const config = {
    listen: { prot: 80, port: 'eighty' },
    defaults: { timeout: '5 parsecs', memory: -1 },
    overides: {},
  }
  const run = runGateway({ functions: {}, config })
  expect(await run.ended()).toBe(1)
  const text = run.errors.join('\n')
  for (const path of ['listen.prot', 'listen.port', 'defaults.timeout', 'defaults.memory', 'overides']) {
    expect(text).toContain(path)
  }
  expect(text).toContain('overrides')
})

test('an unreadable configuration ends the command and names the file', async () => {
  const broken = runGateway({ functions: {}, config: {} }, ['--config', '.'])
  expect(await broken.ended()).toBe(1)
  expect(broken.errors.join('\n')).toContain(broken.project.folder)
  const missing = runGateway({ functions: {} }, ['--config', 'gone.config.ts'])
  expect(await missing.ended()).toBe(1)
  expect(missing.errors.join('\n')).toContain('gone.config.ts')
  const noJson = runGateway({ functions: {}, config: {} }, ['--config', 'bad.json'])
  noJson.project.write('bad.json', '{ "listen": ')
  expect(await noJson.ended()).toBe(1)
  expect(noJson.errors.join('\n')).toContain('bad.json')
})

test('a gateway of which every function is broken serves on, and says so', async () => {
  const one = await startGateway({ functions: { 'broken.ts': 'export default {' } })
  expect(one.printed.join('\n')).toContain('1 cannot be served')
  expect(await one.problem('/broken')).toMatchObject({ status: 503, code: 'build-failed' })
})
