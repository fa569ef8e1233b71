/**
 * What README shows works as it stands there: its curl lines against the repository's own functions, its
 * configuration, its command lines, its function, and its pool program.
 */
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadConfig } from '../../gateway/config/index.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const readme = readFileSync(join(root, 'README.md'), 'utf8')
const bin = join(root, 'bin/wrangler-free.js')
const run = promisify(execFile)

/** The text of all code blocks of these languages. */
const blocks = (...languages: string[]): string[] =>
  [...readme.matchAll(/^```(\w+)\n(.*?)^```$/gms)]
    .filter((match) => languages.includes(match[1]!))
    .map((match) => match[2]!)

/** Writes the blocks that begin with `// path` into a folder. */
function writeFiles(folder: string): void {
  for (const block of blocks('ts', 'js')) {
    const path = /^\/\/ (\S+)\n/.exec(block)?.[1]
    if (path === undefined) throw new Error(`This block of README does not name its file:\n${block}`)
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    const pool = new URL('../../warmpool/index.ts', import.meta.url).href
    writeFileSync(join(folder, path), block.replace("'wrangler-free/warmpool'", `'${pool}'`))
  }
}

const folder = mkdtempSync(join(tmpdir(), 'wrangler-free-readme-'))
writeFiles(folder)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

interface Served {
  readonly gateway: ChildProcess
  readonly address: string
  readonly adminAddress: string
}

/** A gateway on free ports, with state of its own; resolves when it answers. */
async function serve(cwd: string, ...args: string[]): Promise<Served> {
  const own = ['--port', '0', '--admin-port', '0', '--state', join(folder, 'state')]
  const gateway = spawn(process.execPath, [bin, 'serve', ...own, ...args], {
    cwd,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let address = ''
  let adminAddress = ''
  for await (const line of createInterface({ input: gateway.stdout! })) {
    address ||= / on (http:\S+)/.exec(line)?.[1] ?? ''
    adminAddress ||= /(http:\S+)\/v1\/status/.exec(line)?.[1] ?? ''
    if (address !== '' && adminAddress !== '') return { gateway, address, adminAddress }
  }
  throw new Error('The gateway ended before it told its addresses')
}

async function stop({ gateway }: Served): Promise<void> {
  gateway.kill('SIGTERM')
  await once(gateway, 'exit')
}

const hasCurl = spawnSync('curl', ['--version']).error === undefined

describe.skipIf(!hasCurl)('the curl lines', () => {
  let served: Served
  beforeAll(async () => {
    served = await serve(root)
  })
  afterAll(() => stop(served))

  const lines = blocks('sh').flatMap((block) => block.split('\n').filter((line) => line.startsWith('curl ')))

  it('are there', () => {
    expect(lines.length).toBeGreaterThan(3)
  })

  it.each(lines)('%s', async (line) => {
    const here = line
      .replace('http://127.0.0.1:8787', served.address)
      .replace('http://127.0.0.1:8788', served.adminAddress)
    const command = here.replace('curl ', 'curl --fail-with-body --silent --show-error ')
    const { stdout } = await run('/bin/sh', ['-c', command], { cwd: root })
    expect(stdout).not.toBe('')
  })
})

describe('the configuration', () => {
  it('is valid, and says what its comments say', async () => {
    const config = await loadConfig({ cwd: folder })
    expect(config.functionSettings('hello').minWorkers).toBe(1)
    expect(config.functionSettings('thumbnail')).toMatchObject({ concurrency: 1, maxInvocations: 1 })
  })
})

describe('the function', () => {
  it('is served from a folder of its own', async () => {
    const served = await serve(folder, '--config', join(root, 'wrangler-free.config.ts'), '--functions', 'functions')
    try {
      const response = await fetch(`${served.address}/hello?name=Ada`)
      expect(await response.text()).toBe('Hello, Ada!\n')
    } finally {
      await stop(served)
    }
  })
})

describe('the command lines', () => {
  const lines = blocks('text').flatMap((block) => [...block.matchAll(/^wrangler-free (\w+)(.*?)(?: {2,}|$)/gm)])

  it('are there', () => {
    const commands = ['serve', 'dev', 'inspect', 'doctor', 'check', 'invoke', 'deploy', 'rollback', 'status']
    expect(lines.map((line) => line[1])).toEqual(commands)
  })

  it.each(lines.map((line) => [line[1]!, line[2]!] as const))('%s%s: the help knows it', async (command, rest) => {
    const { stdout } = await run(process.execPath, [bin, 'help', command])
    expect(stdout).toContain(`wrangler-free ${command}`)
    for (const flag of rest.match(/--[\w-]+/g) ?? []) expect(stdout).toContain(flag)
  })
})

describe('the pool program', () => {
  it('prints the digest, tells of its workers, and ends by itself', async () => {
    const { stdout } = await run(process.execPath, [join(folder, 'pool.mjs')])
    expect(stdout).toMatch(/^[0-9a-f]{128}$/m)
    expect(stdout).toMatch(/^\d+ processes$/m)
    expect(stdout).toMatch(/^worker \d+ ended: shutdown during /m)
  })
})
