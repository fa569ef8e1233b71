/**
 * What a newcomer does: clones the repository, starts the gateway in it with its default state folder, and runs the
 * lines that README and functions/README show. The state folder then lies beside a package.json, as in most projects.
 */
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../../', import.meta.url))
const run = promisify(execFile)
const CLONED = ['bin', 'functions', 'gateway', 'warmpool', 'package.json', 'README.md', 'wrangler-free.config.ts']
const clone = realpathSync(mkdtempSync(join(tmpdir(), 'wrangler-free-clone-')))
for (const name of [...CLONED, 'test/functions/picture.png'])
  cpSync(join(root, name), join(clone, name), { recursive: true })
symlinkSync(realpathSync(join(root, 'node_modules')), join(clone, 'node_modules'))

const lines = ['README.md', 'functions/README.md'].flatMap((file) => {
  const text = readFileSync(join(root, file), 'utf8')
  return [...text.matchAll(/^curl .*$|(?<=`)curl [^`]*(?=`)/gm)].map(([line]) => line)
})

const hasCurl = spawnSync('curl', ['--version']).error === undefined

describe.skipIf(!hasCurl)('in a plain clone, with the default state folder', () => {
  let gateway: ChildProcess
  let address = ''

  beforeAll(async () => {
    const words = [join(clone, 'bin/wrangler-free.js'), 'serve', '--port', '0', '--admin-port', '0']
    gateway = spawn(process.execPath, words, { cwd: clone, stdio: ['ignore', 'pipe', 'inherit'] })
    for await (const line of createInterface({ input: gateway.stdout! })) {
      address ||= / on (http:\S+)/.exec(line)?.[1] ?? ''
      if (line.includes('/v1/status')) break
    }
  })
  afterAll(async () => {
    gateway.kill('SIGTERM')
    await once(gateway, 'exit')
    rmSync(clone, { recursive: true, force: true, maxRetries: 5 })
  })

  it('there are lines for every sample', () => {
    expect(lines.length).toBeGreaterThan(10)
    expect(lines.join('\n')).toContain('/thumbnail/')
  })

  it.each([...new Set(lines)])('%s', async (line) => {
    const here = line.replaceAll('http://127.0.0.1:8787', address).replaceAll('-o thumbnail.jpg', '')
    const command = here.replaceAll('curl ', 'curl --fail-with-body --silent --show-error ')
    const { stdout } = await run('/bin/sh', ['-c', command], { cwd: clone, encoding: 'buffer' })
    expect(stdout.length).toBeGreaterThan(0)
  })
})
