/** `check` on real functions: each thing that a call can leave behind is found where it is, and nowhere else. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { ResetCheck } from '../../gateway/functions/reset-check.ts'
import { REPOSITORY, temporaryFolder, writeTree } from '../gateway/functions/helpers.ts'
import { processesIn } from './processes.ts'

interface Checked {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
  readonly report: ResetCheck
}

function check(cwd: string, ...args: string[]): Promise<Checked> {
  const words = [join(REPOSITORY, 'bin/wrangler-free.js'), 'check', ...args]
  return new Promise((resolve) => {
    execFile(process.execPath, words, { cwd, env: { PATH: process.env.PATH } }, (error, stdout, stderr) => {
      const code = typeof error?.code === 'number' ? error.code : 0
      resolve({ code, stdout, stderr, report: args.includes('--json') ? JSON.parse(stdout) : null })
    })
  })
}

async function checkSource(file: string, source: string, ...args: string[]): Promise<Checked> {
  const cwd = await temporaryFolder()
  await writeTree(cwd, { [file]: source })
  const checked = await check(cwd, file, '--json', ...args)
  expect(checked.stderr).toBe('')
  expect(processesIn(cwd)).toEqual([])
  return checked
}

const JS = (before: string, body: string): string =>
  `${before}\nexport default async () => { ${body}\nreturn new Response('hi') }`
const PY = (before: string, body: string): string =>
  `import os, signal, subprocess, threading\n${before}\ndef handler(request):\n    ${body}\n    return 'hi'\n`

const LEAKS: readonly [kind: string, file: string, source: string, item: string | RegExp][] = [
  ['globals', 'fn.js', JS('', 'globalThis.lastUser = 1'), 'lastUser'],
  ['globals', 'fn.js', JS('', 'globalThis.fetch = () => 1'), 'fetch'],
  ['prototypes', 'fn.js', JS('', 'Array.prototype.last = 1'), 'Array.prototype.last'],
  ['prototypes', 'fn.js', JS('', 'JSON.parse = (text) => text'), 'JSON.parse'],
  ['environment', 'fn.js', JS('', 'process.env.TRACE = "value-not-shown"'), 'TRACE'],
  ['folder', 'fn.js', JS('', 'process.chdir("/")'), 'the current folder'],
  ['folder', 'fn.js', JS('', 'process.umask(0)'), 'the umask'],
  ['listeners', 'fn.js', JS('', 'process.on("warning", () => {})'), 'warning (8 times)'],
  ['resources', 'fn.js', JS('', 'setInterval(() => {}, 60_000)'), 'Timeout (8 times)'],
  ['descriptors', 'fn.js', JS('import { openSync } from "node:fs"', 'openSync("/dev/null")'), '/dev/null (8 times)'],
  ['children', 'fn.js', JS('import { spawn } from "node:child_process"', 'spawn("sleep", ["600"])'), 'sleep (8 times)'],
  ['memory', 'fn.js', JS('const held = []', 'held.push(Buffer.alloc(200_000))'), /KiB a call/],
  ['answers', 'fn.js', 'let count = 0\nexport default () => new Response(String(++count))', 'GET /'],
  ['environment', 'fn.py', PY('', 'os.environ["TRACE"] = "value-not-shown"'), 'TRACE'],
  ['folder', 'fn.py', PY('', 'os.chdir("/")'), 'the current folder'],
  [
    'threads',
    'fn.py',
    PY('', 'threading.Thread(target=threading.Event().wait, daemon=True, name="idler").start()'),
    /idler/,
  ],
  ['listeners', 'fn.py', PY('', 'signal.signal(signal.SIGUSR2, lambda *a: None)'), 'SIGUSR2'],
  ['modules', 'fn.py', PY('count = 0', 'global count; count += 1'), 'fn:count'],
  ['modules', 'fn.py', PY('seen = []', 'seen.append(1)'), 'fn:seen'],
  ['descriptors', 'fn.py', PY('', 'os.open("/dev/null", os.O_RDONLY)'), '/dev/null (8 times)'],
  ['children', 'fn.py', PY('', 'subprocess.Popen(["sleep", "600"])'), /^sleep/],
  [
    'answers',
    'fn.py',
    'count = 0\ndef handler(request):\n    global count\n    count += 1\n    return f"call {count}"\n',
    'GET /',
  ],
]
test.each(LEAKS)('%s: %s that leaves something is reported: %s', async (kind, file, source, item) => {
  const { code, report, stdout } = await checkSource(file, source, '--calls', '8')
  const found = report.leftovers.find((one) => one.kind === kind)
  expect(found, stdout).toBeDefined()
  expect(found!.items).toContainEqual(typeof item === 'string' ? item : expect.stringMatching(item))
  expect(stdout).not.toContain('value-not-shown')
  expect(code).toBe(1)
})

const CLEAN: readonly [what: string, file: string, source: string][] = [
  [
    'uses what it cleans up',
    'fn.js',
    JS(
      'import { readFile } from "node:fs/promises"\nimport { execFile } from "node:child_process"\nglobalThis.setWhileLoading = new Map()',
      `console.log('hi'); console.error('hi')
       await readFile('/etc/hostname'); await new Promise((done) => setTimeout(done, 1))
       await new Promise((done) => execFile('true', done)); new Headers(); structuredClone({}); crypto.randomUUID()
       process.env.TRACE = '1'; delete process.env.TRACE; await import('node:zlib')`,
    ),
  ],
  ['answers by the clock', 'fn.js', 'export default () => new Response(String(process.hrtime.bigint()))'],
  [
    'is a Lambda handler',
    'fn.mjs',
    'export const handler = async (event) => ({ statusCode: 200, body: event.rawPath })',
  ],
  [
    'is a server of (req, res)',
    'fn.mjs',
    "import { createServer } from 'node:http'\ncreateServer((req, res) => res.end(req.url)).listen(3000)",
  ],
  ['is in Python', 'fn.py', PY('import json', 'with open("/etc/hostname") as file: json.dumps(file.read())')],
  [
    'is a coroutine in Python',
    'fn.py',
    'import asyncio\nasync def handler(request):\n    await asyncio.sleep(0)\n    return "hi"\n',
  ],
]
test.each(CLEAN)('one that %s is not', async (_what, file, source) => {
  const { code, report } = await checkSource(file, source, '--calls', '40')
  expect(report.leftovers).toEqual([])
  expect(report.problem).toBeNull()
  expect(code).toBe(0)
})

test('says for people what it found and what follows from it, by the name of a function too', async () => {
  const cwd = await temporaryFolder()
  await writeTree(cwd, {
    'functions/fn.js': JS('', 'globalThis.lastUser = 1; setInterval(() => {}, 60_000)'),
    'functions/clean.js': JS('', ''),
  })
  const { stdout, code } = await check(cwd, 'fn')
  expect(stdout).toContain('fn: 100 calls in one worker left something behind.')
  expect(stdout).toMatch(
    /globals +Global names that calls made or changed: lastUser\. The next call .*maxInvocations: 1/,
  )
  expect(stdout).toMatch(/resources .*more with every few calls: Timeout \(100 times\)/)
  expect(code).toBe(1)
  expect(await check(cwd, 'clean')).toMatchObject({ code: 0, stdout: expect.stringContaining('left nothing behind') })
})

test('calls what it is told to call', async () => {
  const source = `export default async (request) => {
    const { pathname } = new URL(request.url)
    if (request.method === 'PUT' && pathname === '/b') globalThis[await request.text() + request.headers.get('x-more')] = 1
    return new Response(null, { status: pathname === '/b' ? 404 : 200 })
  }`
  const more = ['--calls', '8', '--path', '/a', '--path', '/b', '-X', 'PUT', '-H', 'X-More: end', '--data', 'leftBy']
  const { report } = await checkSource('fn.js', source, ...more)
  expect(report.leftovers.map(({ items }) => items)).toEqual([['leftByend']])
  expect(report.notes).toEqual(['PUT /b is answered 404: is that the way that matters?'])
})

const BROKEN: readonly [what: string, source: string, said: RegExp][] = [
  ['does not load', 'throw new Error("no")', /It cannot be loaded: Error: no/],
  [
    'ends its process',
    JS('let count = 0', 'if (++count === 3) process.exit(4)'),
    /Its worker ended under the calls: .*exit code 4/,
  ],
]
test.each(BROKEN)('one that %s is said to be so', async (_what, source, said) => {
  const { code, report } = await checkSource('fn.js', source)
  expect(report.problem).toMatch(said)
  expect(code).toBe(1)
})

test('refuses arguments that make no sense', async () => {
  const cwd = await temporaryFolder()
  for (const args of [
    ['fn', '--calls', '1'],
    ['fn', '--path', 'no'],
    ['fn', '-n', '8', '-p', '/a', '-p', '/b', '-p', '/c'],
    [],
  ])
    expect((await check(cwd, ...args)).code).toBe(2)
})
