/** A runtime that somebody wrote from docs/protocol.md is named in the configuration, and then runs functions like ours. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { shareGateway } from './gateway-under-test.ts'

const BIN = fileURLToPath(new URL('../../bin/wrangler-free.js', import.meta.url))
const WORKER = fileURLToPath(new URL('functions/template_worker.py', import.meta.url))

const templates = JSON.stringify({ runtime: 'templates' })
const runtimes = {
  templates: { command: ['python3', WORKER] },
  absent: { command: ['./no-such-program'] },
}
const config = { runtimes, pool: { blanks: 1 }, overrides: { single: { runtime: 'templates' } } }

const gateway = shareGateway({
  functions: {
    page: {
      'main.txt': '$greeting $method $target $body',
      'function.json': JSON.stringify({ runtime: 'templates', env: { greeting: 'hello' } }),
    },
    named: {
      'pages/one.txt': 'one $target',
      'function.json': JSON.stringify({ runtime: 'templates', handler: 'pages/one.txt' }),
    },
    faulty: { 'main.txt': '$unknown', 'function.json': templates },
    empty: { 'notes.txt': '', 'function.json': templates },
    single: 'const single = "$target"',
    homeless: { 'main.txt': '', 'function.json': JSON.stringify({ runtime: 'absent' }) },
    later: { 'main.txt': 'later $target', 'function.json': JSON.stringify({ runtime: 'later' }) },
    plain: 'export default { fetch: () => new Response("still here") }',
  },
  config,
})

async function text(path: string, init?: RequestInit): Promise<string> {
  const response = await gateway().fetch(path, init)
  const said = await response.text()
  expect(response.status, said).toBe(200)
  return said
}

test('its functions are called, with their variables, bodies of any length, logs and blanks', async () => {
  expect(await text('/page/a?b=c')).toBe('hello GET /a?b=c ')
  const body = 'long '.repeat(400_000)
  expect(await text('/page/', { method: 'POST', body })).toBe(`hello POST / ${body}`)
  await gateway().logged(({ function: name, msg }) => name === 'page' && msg === 'answered /a?b=c')
  expect(await text('/named/')).toBe('one /')
  const { functions, pool } = await gateway().waitFor((status) => status.pool.blanks > 1)
  expect(pool.blanks).toBeGreaterThan(1)
  const page = functions.find(({ name }) => name === 'page')
  expect(page).toMatchObject({ runtime: 'templates', workers: [{ runtime: 'templates 1.0' }] })
})

test('an override names it, also for a single file, which then is nothing of ours', async () => {
  expect(await text('/single/x')).toBe('const single = "/x"')
})

test('what fails in it is told like any failure, and nobody else hears of it', async () => {
  expect(await gateway().problem('/faulty/')).toMatchObject({ status: 500, code: 'handler-threw' })
  expect(await gateway().problem('/empty/')).toMatchObject({ status: 503, code: 'init-failed' })
  const said = /absent starts .*no-such-program, which is not there .* runtimes\.absent\.command in the configuration/
  expect((await gateway().problem('/homeless/')).detail).toMatch(said)
  expect(await text('/plain/')).toBe('still here')
})

test('a name that nobody has added is refused with those there are and how to add one; added, it is served', async () => {
  const { detail } = await gateway().problem('/later/')
  expect(detail).toMatch(
    /found "later"; allowed: .*'python'.*'templates'.*; others are added by `runtimes` in the config/,
  )
  const later = { command: ['python3', WORKER] }
  gateway().project.configure({ ...config, runtimes: { ...runtimes, later } })
  await gateway().logged(({ msg }) => msg.startsWith('settings changed'))
  expect(await text('/later/x')).toBe('later /x')
})

function command(...words: readonly string[]): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>()
  const { folder } = gateway().project
  execFile(process.execPath, [BIN, ...words], { cwd: folder }, (_error, stdout) => resolve(stdout))
  return promise
}

test('inspect says what starts it and what it runs on, and the list of runtimes has it', async () => {
  expect(await command('runtime', 'list')).toMatch(/^templates configuration +python3 .*template_worker\.py$/m)
  const said = await command('inspect', 'functions/page')
  expect(said).toContain('page: template on templates')
  expect(said).toContain(`python3 ${WORKER}`)
  expect(said).toMatch(/runs on +templates 1\.0/)
})
