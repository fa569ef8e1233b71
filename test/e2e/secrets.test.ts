/**
 * Secrets in a whole gateway: only the function that names one has it, and after a session with all that can go wrong
 * it is in no log, status, answer, command line or file, and in no other process's environment.
 */
import { execFile } from 'node:child_process'
import { chmodSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { compileCacheFolder } from '../../warmpool/compile-cache.ts'
import { REPOSITORY } from '../gateway/functions/helpers.ts'
import { type GatewayUnderTest, runGateway, startGateway } from './gateway-under-test.ts'
import { processesIn } from './processes.ts'

/** Found nowhere by chance. */
const MARKER = `marker-${process.pid}-0123456789abcdef`
const FROM_ENV = `${MARKER}-env`
const FROM_FILE = `${MARKER}-file`

/** Says what it has of the secrets, and misbehaves as it is asked to. */
const OWNER = `
export default (request, { env }) => {
  switch (new URL(request.url).pathname) {
    case '/has': return Response.json({ env: env.KEY, process: process.env.KEY, file: env.FILE })
    case '/print': console.log('my key is', env.KEY); console.error({ key: env.FILE }); return new Response()
    case '/throw': throw new Error('refused: ' + env.KEY)
    case '/exit': process.exit(3)
    case '/crash': setImmediate(() => { throw new Error('crashed with ' + env.KEY) }); return new Promise(() => {})
    case '/wrong': return env.KEY
  }
}`

const NEIGHBOUR = `
import { readFileSync } from 'node:fs'
export default (request, { env }) => Response.json({
  env, process: { ...process.env }, environ: readFileSync('/proc/self/environ', 'latin1'),
})`

const PROGRAM = `
import http.server, json, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps({'key': os.environ.get('KEY')}).encode()
        self.send_response(200)
        self.send_header('content-length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *a): pass
http.server.ThreadingHTTPServer(('127.0.0.1', int(os.environ['PORT'])), Handler).serve_forever()
`

const FUNCTIONS = {
  owner: OWNER,
  neighbour: NEIGHBOUR,
  asking: {
    'index.js': 'export default (_request, { env }) => new Response(env.SHARED)',
    'function.json': '{"secrets":["SHARED"]}',
  },
  thief: { 'index.js': NEIGHBOUR, 'function.json': '{"secrets":["SHARED"]}' },
  python: {
    'main.py':
      'import os\ndef handler(request):\n    if request.path == "/throw":\n        raise ValueError("no: " + os.environ["KEY"])\n    return os.environ["KEY"]\n',
  },
  program: {
    'server.py': PROGRAM,
    'function.json': '{"command":["python3","server.py"]}',
  },
  'fails-to-load': "throw new Error('loading with ' + process.env.KEY)",
}

const KEY = { KEY: { env: 'PROD_KEY' } }

const CONFIG = {
  log: { level: 'debug' },
  secrets: { SHARED: { env: 'PROD_KEY', functions: ['asking'] } },
  overrides: {
    owner: { secrets: { ...KEY, FILE: { file: 'secret.txt' } } },
    python: { secrets: KEY },
    program: { secrets: KEY },
    'fails-to-load': { secrets: KEY },
  },
}

/** The file has to be there before the gateway is: it is written between two starts. */
async function startWithSecrets(): Promise<GatewayUnderTest> {
  const gateway = await startGateway({ functions: FUNCTIONS, config: CONFIG, env: { PROD_KEY: FROM_ENV } })
  writeSecret(gateway, `${FROM_FILE}\n`)
  await gateway.logged(({ msg }) => msg === 'lacks no secret any longer')
  return gateway
}

/** As a tool does that replaces a file in one step. */
function writeSecret(gateway: GatewayUnderTest, text: string): void {
  const path = gateway.project.path('secret.txt')
  writeFileSync(`${path}.new`, text, { mode: 0o600 })
  renameSync(`${path}.new`, path)
}

/** Every file below a folder whose content or name has the marker. */
function filesWithMarker(folder: string): string[] {
  const paths = (readdirSync(folder, { recursive: true }) as string[]).map((name) => join(folder, name))
  const isMarked = (path: string): boolean =>
    path.includes(MARKER) || (statSync(path, { throwIfNoEntry: false })?.isFile() === true && holds(path))
  return paths.filter(isMarked)
}

function holds(path: string): boolean {
  const content = readFileSync(path)
  return content.includes(MARKER) || content.includes(Buffer.from(MARKER).toString('base64').slice(0, -4))
}

function inspect(gateway: GatewayUnderTest, name: string, ...more: string[]): Promise<string> {
  const words = [join(REPOSITORY, 'bin/wrangler-free.js'), 'inspect', `functions/${name}`, ...more]
  const env = { PATH: process.env.PATH, PROD_KEY: FROM_ENV }
  return new Promise((resolve) => {
    execFile(process.execPath, words, { cwd: gateway.project.folder, env }, (_error, stdout, stderr) =>
      resolve(stdout + stderr),
    )
  })
}

test('only its function has a secret, and nothing shows it whatever happens', async () => {
  const gateway = await startWithSecrets()
  const texts: string[] = []
  const call = async (path: string): Promise<string> => {
    const response = await gateway.fetch(path).catch((error: Error) => new Response(error.message))
    return response.text()
  }
  expect(JSON.parse(await call('/owner/has'))).toEqual({ env: FROM_ENV, process: FROM_ENV, file: FROM_FILE })
  expect(await call('/asking')).toBe(FROM_ENV)
  expect(await call('/python')).toBe(FROM_ENV)
  expect(JSON.parse(await call('/program'))).toEqual({ key: FROM_ENV })

  texts.push(await call('/neighbour'))
  for (const fault of ['print', 'throw', 'exit', 'crash', 'wrong']) texts.push(await call(`/owner/${fault}`))
  texts.push(await call('/python/throw'), await call('/fails-to-load'), await call('/thief'))
  await gateway.logged(({ msg }) => msg === 'my key is (secret KEY)')
  await gateway.logged(({ msg }) => msg.includes('refused: (secret KEY)'))
  await gateway.logged(({ msg }) => msg.includes('no: (secret KEY)'))
  await gateway.logged(({ msg }) => msg.includes('loading with (secret KEY)'))
  await gateway.logged(({ msg }) => msg.includes('crashed with (secret KEY)'))
  texts.push(await inspect(gateway, 'owner.js'), await inspect(gateway, 'owner.js', '--json'))
  texts.push(await inspect(gateway, 'fails-to-load.js'))
  for (const path of ['/v1/status', '/v1/functions', '/v1/functions/owner'])
    texts.push(await (await gateway.fetchAdmin(path)).text())
  texts.push(JSON.stringify(gateway.log), gateway.printed.join('\n'), gateway.errors.join('\n'))
  for (const text of texts) expect(text).not.toContain(MARKER)
  expect(texts.join()).toContain("the gateway's environment variable PROD_KEY")

  // Every process of this machine: command lines of all, the environment at the start of the workers.
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name)))
    expect(contentOf(`/proc/${pid}/cmdline`)).not.toContain(MARKER)
  const withSecret = processesIn(gateway.project.folder).filter((pid) =>
    contentOf(`/proc/${pid}/environ`).includes(MARKER),
  )
  const commands = withSecret.map((pid) => contentOf(`/proc/${pid}/cmdline`).replaceAll('\0', ' '))
  // The gateway got one there, what it starts to build with has its environment, and a program is given its own there.
  expect(
    commands.filter((line) => !/wrangler-free\.js serve|esbuild --service|python3 server\.py /.test(line)),
  ).toEqual([])

  await gateway.logged(({ msg }) => msg.includes('worker ended'))
  expect(filesWithMarker(gateway.project.path('.wrangler-free'))).toEqual([])
  expect(filesWithMarker(compileCacheFolder()!)).toEqual([])
  expect(filesWithMarker(gateway.project.folder)).toEqual([gateway.project.path('secret.txt')])
})

function contentOf(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    // It has ended meanwhile, or is the kernel's.
    return ''
  }
}

test('a function that asks for what is not given to it is unavailable, and its neighbours are not', async () => {
  const gateway = await startGateway({ functions: FUNCTIONS, config: CONFIG, env: { PROD_KEY: FROM_ENV } })
  expect(await gateway.problem('/thief')).toMatchObject({ status: 503, code: 'secret-missing', fault: 'platform' })
  const { error } = await gateway.statusOf('thief')
  expect(error).toMatchObject({
    code: 'secret-missing',
    message: expect.stringContaining('add "thief" to secrets.SHARED'),
  })
  expect(await (await gateway.fetch('/asking')).text()).toBe(FROM_ENV)
})

test('a missing secret names where it was looked for, and is found when it comes', async () => {
  const gateway = await startGateway({ functions: FUNCTIONS, config: CONFIG, env: { PROD_KEY: FROM_ENV } })
  const path = gateway.project.path('secret.txt')
  const said = `The secret "FILE" was looked for in the file ${path}, which does not exist.`
  await gateway.logged((line) => line.function === 'owner' && line.msg === `cannot be served: ${said}`)
  expect((await gateway.statusOf('owner')).error).toEqual({ code: 'secret-missing', message: said })
  expect((await gateway.problem('/owner/has')).detail).toContain('It lacks a secret')
  expect(await inspect(gateway, 'owner.js')).toContain(said)
  writeSecret(gateway, FROM_FILE)
  await gateway.logged(({ msg }) => msg === 'lacks no secret any longer')
  expect(await (await gateway.fetch('/owner/has')).json()).toMatchObject({ file: FROM_FILE })
  chmodSync(path, 0o644)
  await gateway.logged(({ msg }) => msg.includes('its last value stays'))
  expect(await (await gateway.fetch('/owner/has')).json()).toMatchObject({ file: FROM_FILE })
})

test('a changed secret recycles the workers, without an answer lost', async () => {
  const gateway = await startWithSecrets()
  const before = await gateway.fetch('/owner/has')
  expect(await before.json()).toMatchObject({ file: FROM_FILE })
  writeSecret(gateway, `${FROM_FILE}-2`)
  const seen: string[] = []
  while (seen.at(-1) !== `${FROM_FILE}-2`) {
    const response = await gateway.fetch('/owner/has')
    expect(response.status).toBe(200)
    const { file } = (await response.json()) as { file: string }
    if (seen.at(-1) !== file) seen.push(file)
  }
  expect(seen).toEqual([FROM_FILE, `${FROM_FILE}-2`])
  await gateway.waitForFunction('owner', (report) => (report.deaths.replaced ?? 0) >= 1)
})

test('a value that is written where its place belongs stops the start, and is not repeated', async () => {
  const gateway = runGateway({ functions: {}, config: { overrides: { owner: { secrets: { KEY: FROM_ENV } } } } })
  expect(await gateway.ended()).toBe(1)
  expect(gateway.errors.join('\n')).toContain('overrides.owner.secrets.KEY   found text of')
  expect(gateway.errors.join('\n')).not.toContain(MARKER)
  rmSync(gateway.project.path('.wrangler-free'), { recursive: true, force: true })
})
