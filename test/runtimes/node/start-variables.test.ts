/** Variables that a runtime reads when it starts, of a function whose worker has started before. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { CalledFunction } from './formats/called.ts'

const node = (source: string, env: Record<string, string>, more: object = {}): CalledFunction =>
  CalledFunction.of({ 'index.mjs': source }, { env, ...more })

test.each([
  ['--require ./x.js', 'Import that module in the first line'],
  ['--max-old-space-size=100', 'Say "memory"'],
  ['--inspect', 'Leave it out, or run the function as a program'],
])('NODE_OPTIONS that cannot be made up for say what to do: %s', async (options, words) => {
  const { failure } = await node('export default () => new Response()', { NODE_OPTIONS: options }).call()
  expect(failure).toMatchObject({ code: 'init-failed' })
  expect(failure!.message).toContain(words)
})

test('NODE_OPTIONS that can be made up for take effect', async () => {
  const env = { NODE_OPTIONS: '--enable-source-maps --stack-trace-limit=3 --no-deprecation' }
  const called = node('export default () => Response.json([Error.stackTraceLimit, process.noDeprecation])', env)
  expect(JSON.parse(await called.text())).toEqual([3, true])
})

test.each(['node', 'python'])('LD_PRELOAD is refused in %s', async (runtime) => {
  const files: Record<string, string> =
    runtime === 'node'
      ? { 'index.mjs': 'export default () => new Response()' }
      : { 'index.py': 'def handler(request): return ""' }
  const { failure } = await CalledFunction.of(files, { runtime, env: { LD_PRELOAD: '/x.so' } }).call()
  expect(failure!.message).toContain('"env" has LD_PRELOAD')
})

test('NODE_EXTRA_CA_CERTS is trusted besides the others', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'certificates-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'own.pem')
  const keys = ['-newkey', 'rsa:2048', '-nodes', '-keyout', join(folder, 'key.pem'), '-out', file]
  execFileSync('openssl', ['req', '-x509', '-subj', '/CN=own', '-days', '2', ...keys], { stdio: 'ignore' })
  const source = `import { getCACertificates } from 'node:tls'; import { readFileSync } from 'node:fs'
    const text = () => readFileSync(process.env.NODE_EXTRA_CA_CERTS, 'utf8').trim()
    export default () => Response.json([getCACertificates('default').map((one) => one.trim()).includes(text()), getCACertificates('default').length > 50])`
  const env = { NODE_EXTRA_CA_CERTS: file }
  expect(JSON.parse(await node(source, env, { readable: [tmpdir()] }).text())).toEqual([true, true])
  const { failure } = await node(source, { NODE_EXTRA_CA_CERTS: '/etc/shadow' }).call()
  expect(failure!.message).toContain('NODE_EXTRA_CA_CERTS names /etc/shadow, which cannot be read (EACCES)')
})

test('PYTHONPATH takes effect', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'python-path-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'beside.py'), "NAME = 'found'\n")
  const source = 'import beside\ndef handler(request):\n    return beside.NAME\n'
  const stated = { runtime: 'python', env: { PYTHONPATH: folder }, readable: [tmpdir()] }
  expect(await CalledFunction.of({ 'index.py': source }, stated).text()).toBe('found')
})
