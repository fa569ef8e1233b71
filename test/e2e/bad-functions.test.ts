/**
 * Folders with mistakes, each in a gateway with a healthy neighbour: one clear message from `inspect` and one at the
 * call, within the boot time-out, and the neighbour answers all along.
 */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { REPOSITORY } from '../gateway/functions/helpers.ts'
import { shareGateway } from './gateway-under-test.ts'

type Folder = Readonly<Record<string, string>>

interface Bad {
  readonly folder: Folder
  readonly code: 'init-failed' | 'build-failed' | 'boot-failed'
  /** By `inspect`, to the caller and in the log. */
  readonly said: RegExp
}

const HELLO = 'export const handler = async () => "hi"'
const stated = (file: object): string => JSON.stringify(file)
const initFailed = (folder: Folder, said: RegExp): Bad => ({ folder, code: 'init-failed', said })
const buildFailed = (folder: Folder, said: RegExp): Bad => ({ folder, code: 'build-failed', said })

const BAD: Readonly<Record<string, Bad>> = {
  'no-handler': initFailed(
    { 'index.js': 'const answer = 42' },
    /No handler found: the module exports nothing\. It needs one, such as `export default \{ fetch/,
  ),
  'wrong-export': initFailed(
    { 'index.js': 'export const answer = 42' },
    /the module exports answer \(number\)\. It needs one, such as /,
  ),
  'wrong-handler': initFailed(
    { 'index.js': HELLO, 'function.json': stated({ handler: 'index.run' }) },
    /The handler "run" is not among what the module exports: handler\. Name one of these/,
  ),
  'openfaas-unstated': initFailed(
    { 'handler.js': 'module.exports = async (event, context) => ({ body: "hi" })' },
    /The handler takes \(event, context\), .* "format": "openfaas"/,
  ),
  'bun-unstated': initFailed(
    { 'index.js': 'Bun.serve({ fetch: () => new Response("hi") })' },
    /Bun is not defined: this runtime is Node\. Say "runtime": "bun" in function\.json/,
  ),
  'handler-of-methods': initFailed(
    {
      'index.js': 'export const GET = () => new Response()',
      'function.json': stated({ format: 'methods', handler: 'GET' }),
    },
    /"handler": "GET" names nothing in the format methods: it has one export for each method\. Leave it out/,
  ),
  'netlify-site': buildFailed(
    { 'index.html': '', 'netlify/functions/hello.mjs': 'export default () => new Response()' },
    /netlify-site\/ is a site of Netlify's, whose functions are in netlify-site\/netlify\/functions: copy each/,
  ),
  'no-module': buildFailed(
    { 'notes.txt': '' },
    /no-module\/ has no module to start from: Looked for index\..*package\.json/,
  ),
  'unknown-format': buildFailed(
    { 'index.js': HELLO, 'function.json': stated({ format: 'lamda' }) },
    /function\.json has 1 mistake:\s+format\s+found "lamda"; allowed: .*; did you mean "lambda"\?/,
  ),
  'format-of-python': initFailed(
    { 'index.js': HELLO, 'function.json': stated({ format: 'wsgi' }) },
    /Unknown format "wsgi" for JavaScript\. There are: azure, .*task$/m,
  ),
  'unknown-runtime': buildFailed(
    { 'index.js': HELLO, 'function.json': stated({ runtime: 'nodee' }) },
    /function\.json has 1 mistake:\s+runtime\s+found "nodee"; .*did you mean "node"\?/,
  ),
  'missing-interpreter': initFailed(
    { 'server.rb': '', 'function.json': stated({ command: ['no-such-ruby', 'server.rb'] }) },
    /The program "no-such-ruby" cannot be started: there is none on PATH\. Install it, or correct "command"/,
  ),
  'missing-runtime': {
    folder: { 'index.js': HELLO, 'function.json': stated({ runtime: 'node@22' }) },
    code: 'boot-failed',
    said: /runtime node@22 is not installed: npx wrangler-free runtime add node@22/,
  },
  'bootstrap-exits': initFailed(
    {
      bootstrap: 'echo "cannot find the database" >&2\nexit 3\n',
      'function.json': stated({ runtime: 'lambda', command: ['sh', 'bootstrap'] }),
    },
    /The program "sh bootstrap" ended with exit code 3 before it could ask for an invocation\. It is to poll .*\/next\.$/m,
  ),
  'bootstrap-never-polls': initFailed(
    { bootstrap: 'exec sleep 600\n', 'function.json': stated({ runtime: 'lambda', command: ['sh', 'bootstrap'] }) },
    /The program "sh bootstrap" runs, but within 4\.8 s it did not ask for an invocation\. It is to poll /,
  ),
  'never-listens': initFailed(
    { 'run.sh': 'exec sleep 600\n', 'function.json': stated({ command: ['sh', 'run.sh'] }) },
    /The program "sh run\.sh" runs, but within 4\.8 s it did not listen on \$PORT \(\d+\)/,
  ),
  'python-syntax': initFailed(
    { 'main.py': 'def handler(request:\n    return "x"\n' },
    /SyntaxError: '\(' was never closed \(main\.py, line 1\)/,
  ),
  'python-no-handler': initFailed(
    { 'main.py': 'answer = 42\n' },
    /No handler found: the module has answer \(int\)\. Define one of: def handler\(request\)/,
  ),
}

/** What loads and answers wrongly: only a call can tell. */
const WRONG_RETURNS: Readonly<Record<string, { readonly folder: Folder; readonly said: RegExp }>> = {
  'wrong-return': {
    folder: { 'index.js': 'export default { fetch: () => 42 }' },
    said: /^The handler returned a number, not a Response$/,
  },
  'lambda-wrong-return': {
    folder: { 'index.js': 'export const handler = async () => ({ statusCode: "many" })' },
    said: /^The handler answered with the status the string many/,
  },
  'python-wrong-return': {
    folder: { 'main.py': 'def handler(request):\n    return object()\n' },
    said: /^The handler returned <object .* not one of: str, bytes/,
  },
}

const gateway = shareGateway({
  functions: {
    healthy: 'export default () => new Response("fine")',
    ...Object.fromEntries(Object.entries({ ...BAD, ...WRONG_RETURNS }).map(([name, { folder }]) => [name, folder])),
  },
  config: { defaults: { bootTimeout: '6s' } },
})

function inspect(name: string): Promise<{ code: number; stdout: string; stderr: string }> {
  const words = [join(REPOSITORY, 'bin/wrangler-free.js'), 'inspect', `functions/${name}`]
  const cwd = gateway().project.folder
  return new Promise((resolve) => {
    execFile(process.execPath, words, { cwd, env: { PATH: process.env.PATH } }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr })
    })
  })
}

/** Asked without a pause, from before the first broken one is called until after the last. */
const neighbour = { isAsked: true, answers: new Set<string>(), asked: Promise.resolve() }

beforeAll(() => {
  neighbour.asked = askNeighbour()
})

afterAll(async () => {
  neighbour.isAsked = false
  await neighbour.asked
  expect([...neighbour.answers]).toEqual(['200 fine'])
})

async function askNeighbour(): Promise<void> {
  while (neighbour.isAsked) {
    const response = await gateway().fetch('/healthy')
    neighbour.answers.add(`${response.status} ${await response.text()}`)
  }
}

test.each(Object.entries(BAD))('%s is said by inspect and at the call', async (name, { code, said }) => {
  const [found, problem] = await Promise.all([inspect(name), gateway().problem(`/${name}`)])
  expect(found.stdout).toMatch(said)
  expect(found.stdout).not.toContain('wrangler-free-inspect-')
  expect([found.code, found.stderr]).toEqual([1, ''])
  expect(problem).toMatchObject({ status: 503, code })
  expect(problem.detail).toMatch(said)
  await gateway().logged((line) => line.function === name && said.test(line.msg))
})

test.each(Object.entries(WRONG_RETURNS))('%s is said at the call', async (name, { said }) => {
  expect((await inspect(name)).code).toBe(0)
  const problem = await gateway().problem(`/${name}`)
  expect(problem).toMatchObject({ status: 502, code: 'not-a-response' })
  expect(problem.detail).toMatch(said)
})

describe('with time-outs as they are unless somebody says otherwise, alike,', () => {
  const alike = shareGateway({
    functions: {
      'python-hangs': { 'main.py': 'import time\ntime.sleep(600)\n' },
      hangs: { 'index.mjs': 'setInterval(() => {}, 1000)\nawait new Promise(() => {})' },
    },
    config: { defaults: { bootTimeout: '8s', queue: { timeout: '8s' } } },
  })

  test.each(['python-hangs', 'hangs'])('%s is told as what it is: it does not load', async (name) => {
    const problem = await alike().problem(`/${name}`)
    expect(problem).toMatchObject({ status: 503, code: 'init-failed', fault: 'function' })
    expect(problem.detail).toContain('it did not load within its boot time-out of 8000 ms')
  })
})
