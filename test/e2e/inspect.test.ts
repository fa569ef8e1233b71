/** `inspect` on real folders: what it is, where settings come from, and what is wrong, before any call. */
import { execFile, execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { REPOSITORY, temporaryFolder, writeTree } from '../gateway/functions/helpers.ts'

interface Outcome {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

async function inspect(tree: Readonly<Record<string, string>>, path: string, ...more: string[]): Promise<Outcome> {
  const cwd = await temporaryFolder()
  await writeTree(cwd, tree)
  return inspectIn(cwd, path, process.env, ...more)
}

function inspectIn(cwd: string, path: string, env: NodeJS.ProcessEnv, ...more: string[]): Promise<Outcome> {
  const words = [join(REPOSITORY, 'bin/wrangler-free.js'), 'inspect', path, ...more]
  return new Promise((resolve) => {
    execFile(process.execPath, words, { cwd, env }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr })
    })
  })
}

const HELLO = 'export const handler = async () => "hi"'

test('says what a folder is, why, its routes, and where each setting comes from', async () => {
  const tree = {
    'fn/index.mjs': HELLO,
    'fn/function.json': '{"routes":["/hi/:id"],"timeout":"5s","env":{"KEY":"hidden"}}',
    'wrangler-free.config.json': '{"defaults":{"memory":"64MiB"},"overrides":{"fn":{"minWorkers":1}}}',
  }
  const { code, stdout } = await inspect(tree, 'fn')
  expect(code).toBe(0)
  expect(stdout).toContain('fn: lambda on node')
  expect(stdout).toMatch(/answers at +\/hi\/:id, \/fn, \/fn\/\*/)
  expect(stdout).toMatch(/timeout +5s +function\.json/)
  expect(stdout).toMatch(/memory +64MiB +defaults of the configuration/)
  expect(stdout).toMatch(/minWorkers +1 +overrides of the configuration/)
  expect(stdout).not.toContain('hidden')
})

test('is JSON for machines', async () => {
  const { code, stdout } = await inspect({ 'fn.ts': 'export const GET = () => new Response()' }, 'fn.ts', '--json')
  expect(code).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({ name: 'fn', format: 'methods', runtime: 'node', problem: null })
  const asText = await inspect({ 'fn.ts': 'export const GET = () => new Response()' }, 'fn.ts')
  expect(asText.stdout).toContain('To say otherwise, make it a folder, fn/, with a function.json')
})

const BROKEN: readonly [what: string, tree: Readonly<Record<string, string>>, said: RegExp][] = [
  ['a wrong export', { 'fn/index.js': 'export const answer = 42' }, /exports answer \(number\)/],
  ['a syntax error', { 'fn/index.js': 'export default {' }, /index\.js:1/],
  ['a missing program', { 'fn/function.json': '{"command":["/no/such/program"]}' }, /\/no\/such\/program/],
  ['a Python syntax error', { 'fn/main.py': 'def handler(:\n' }, /main\.py:1/],
  ['an unknown format', { 'fn/index.js': HELLO, 'fn/function.json': '{"format":"lamda"}' }, /did you mean "lambda"/],
]
test.each(BROKEN)('%s is said, and ends with 1', async (_what, tree, said) => {
  const { code, stdout } = await inspect(tree, 'fn')
  expect(stdout).toMatch(said)
  expect(code).toBe(1)
})

const WITHOUT: readonly [what: string, tree: Readonly<Record<string, string>>, said: RegExp][] = [
  ['a runtime', { 'fn/index.js': HELLO, 'fn/function.json': '{"runtime":"bun"}' }, /wrangler-free runtime add bun/],
  ['an interpreter', { 'fn/main.py': 'def handler(request): return ""' }, /Cannot start python3/],
]
test.each(WITHOUT)('%s that is missing is said, and ends with 1', async (_what, tree, said) => {
  const cwd = await temporaryFolder()
  await writeTree(cwd, tree)
  const { code, stdout } = await inspectIn(cwd, 'fn', { PATH: cwd })
  expect(stdout).toMatch(said)
  expect(code).toBe(1)
})

test('a virtual environment in the folder is used and not copied, whatever it is called', async () => {
  for (const name of ['venv', '.venv']) {
    const cwd = await temporaryFolder()
    const code = 'import sys\nassert sys.prefix != sys.base_prefix or "site-packages" in " ".join(sys.path)\n'
    await writeTree(cwd, { 'fn/main.py': `${code}def handler(request): return ""` })
    execFileSync('python3', ['-m', 'venv', '--without-pip', join(cwd, 'fn', name)])
    expect(await inspectIn(cwd, 'fn', process.env)).toMatchObject({ code: 0 })
  }
})

test("names the function's own folder where a package is missing", async () => {
  const cwd = await temporaryFolder()
  await writeTree(cwd, { 'fn/main.py': 'import no_such\n', 'alone.py': 'import no_such\n' })
  const { stdout } = await inspectIn(cwd, 'fn', process.env)
  expect(stdout).toContain(`run: cd ${join(cwd, 'fn')} && python3 -m venv .venv && .venv/bin/pip install no_such`)
  expect((await inspectIn(cwd, 'alone.py', process.env)).stdout).toContain(
    'put it into a folder as main.py, with a .venv',
  )
})

test("names the function's own folder where its virtual environment has lost its interpreter", async () => {
  const cwd = await temporaryFolder()
  await writeTree(cwd, {
    'fn/main.py': 'def handler(request):\n    return "hi"\n',
    'fn/.venv/pyvenv.cfg': 'home = /nowhere\n',
    'fn/.venv/lib/python3.0/site-packages/empty.py': '',
  })
  const { stdout, stderr } = await inspectIn(cwd, 'fn', process.env)
  expect(stdout + stderr).toContain(`Make it anew with: python3 -m venv --clear ${join(cwd, 'fn/.venv')}\n`)
})

test('says what keeps it from others on this machine, with what is missing and why', async () => {
  const cwd = await temporaryFolder()
  await writeTree(cwd, {
    'fn/index.js': HELLO,
    'wrangler-free.config.json': '{"defaults":{"isolation":"sandbox","isolationMissing":"warn"}}',
  })
  const environment = { PATH: cwd }
  const said = await inspectIn(cwd, 'fn', environment)
  expect(said.stdout).toMatch(/isolation +sandbox \(privileges, files, signals, system-calls\)/)
  expect(said.stdout).toMatch(/missing +namespaces: bubblewrap is not installed/)
  const asJson = JSON.parse((await inspectIn(cwd, 'fn', environment, '--json')).stdout)
  expect(asJson.isolation).toMatchObject({ profile: 'sandbox', missing: [{ mechanism: 'namespaces' }] })
})

test('says what counts of other platforms’ files, and the function.json that says the same', async () => {
  const tree = {
    'fn/wrangler.jsonc': '{ "main": "lib/worker.js", "kv_namespaces": [] }',
    'fn/lib/worker.js': 'export default { fetch: () => new Response() }',
    'fn/Procfile': 'web: npm start',
  }
  const { stdout } = await inspect(tree, 'fn')
  expect(stdout).toMatch(/wrangler\.jsonc +read: main; ignored: kv_namespaces\n/)
  expect(stdout).toMatch(/Procfile +read: nothing; ignored: web\n/)
  expect(stdout).toContain('To start its web process, write fn/function.json: {"command":["npm","start"]}')
  expect(stdout).toContain('fn/function.json that says the same: {"format":"fetch","handler":"lib/worker.default"}')
})

test('says that a (req, res) function is served with the helpers of all where nothing marks it', async () => {
  const { code, stdout } = await inspect({ 'fn/index.js': 'module.exports = (req, res) => res.send("hi")' }, 'fn')
  expect(code).toBe(0)
  expect(stdout).toContain('fn: req-res on node')
  expect(stdout).toMatch(/Note:.* nothing says for which platform .* write "format": "node", "vercel" or "gcf"/)
})
