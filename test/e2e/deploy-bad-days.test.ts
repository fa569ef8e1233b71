/** Deploying when the line breaks, the disk is full, or a folder's packages have to be installed first. */
import { execFileSync, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, mkdtempSync, openSync, readdirSync, rmSync, writeSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it, onTestFinished } from 'vitest'
import { runCli } from '../gateway/cli/run-cli.ts'
import { cli, clientOf, deployBy, deployed, type Files, saying, stateOf, tokenOf, write } from './deploying.ts'
import { shareGateway, startGateway } from './gateway-under-test.ts'

const shared = shareGateway({ functions: {} })

const bulky = (words: string): Files => ({
  ...saying(words),
  ...Object.fromEntries(
    Array.from({ length: 6 }, (_, at) => [`bulk/${at}.txt`, `${words} ${at} `.padEnd(3_000_000, 'x')]),
  ),
})

describe('a line that breaks', () => {
  it('amid an upload is made again, and the command goes on', async () => {
    const gateway = shared()
    const folder = write(gateway, 'cut', bulky('cut'))
    await using line = await breakingLine(gateway.adminAddress, 2, 4_000_000)
    const env = {
      WRANGLER_FREE_ADMIN_URL: line.url,
      WRANGLER_FREE_ADMIN_TOKEN: tokenOf(stateOf(gateway)),
      NO_COLOR: '1',
    }
    const { code, stderr } = await runCli(['deploy', folder], env)
    expect(code, stderr).toBe(0)
    expect(line.broken).toBe(2)
    expect(await (await gateway.fetch('/cut')).text()).toBe('cut cut')
  })

  it('for good ends the command with what was unreachable, and the live version stays', async () => {
    const gateway = shared()
    await deployed(gateway, 'gone', saying('live'))
    await using line = await breakingLine(gateway.adminAddress, Number.POSITIVE_INFINITY, 1_000)
    const env = {
      WRANGLER_FREE_ADMIN_URL: line.url,
      WRANGLER_FREE_ADMIN_TOKEN: tokenOf(stateOf(gateway)),
      NO_COLOR: '1',
    }
    const { code, stderr } = await runCli(['deploy', write(gateway, 'gone', bulky('never'))], env)
    expect([code, stderr]).toEqual([69, expect.stringContaining('Nothing answers at')])
    expect(await (await gateway.fetch('/gone')).text()).toBe('live live')
  })
})

describe('packages that are installed by the gateway', () => {
  const marker = (gateway: ReturnType<typeof shared>): string => gateway.project.path('a-script-ran')
  const withScript = (path: string): Files => ({
    ...saying('installed'),
    'package.json': JSON.stringify({ name: 'fn', version: '1.0.0', scripts: { preinstall: `echo > ${path}` } }),
    'package-lock.json': JSON.stringify({
      name: 'fn',
      version: '1.0.0',
      lockfileVersion: 3,
      packages: { '': { name: 'fn', version: '1.0.0' } },
    }),
    'node_modules/stale/index.js': 'not sent',
  })

  it('come without their scripts, unless those are asked for', async () => {
    const gateway = shared()
    await deployed(gateway, 'fn', withScript(marker(gateway)), ['--install'])
    expect(await (await gateway.fetch('/fn')).text()).toBe('installed installed')
    expect(existsSync(marker(gateway))).toBe(false)
    const [id] = readdirSync(join(stateOf(gateway), 'deploy/functions/fn')).filter((name) => name !== 'record.json')
    expect(readdirSync(join(stateOf(gateway), 'deploy/functions/fn', id!))).toEqual(['fn'])
    expect(existsSync(join(stateOf(gateway), 'deploy/functions/fn', id!, 'fn/node_modules/stale'))).toBe(false)
    await deployed(gateway, 'fn', withScript(marker(gateway)), ['--install', '--scripts'])
    expect(existsSync(marker(gateway))).toBe(true)
  })

  it('come to a function of whatever name', async () => {
    const gateway = shared()
    await deployed(gateway, 'install', withScript(marker(gateway)), ['--install'])
    expect(await (await gateway.fetch('/install')).text()).toBe('installed installed')
  })

  it('are none of the files of this machine, whatever the lockfile names', async () => {
    const gateway = shared()
    gateway.project.write('private/package.json', '{ "name": "private", "version": "1.0.0", "main": "m.js" }')
    gateway.project.write('private/m.js', "module.exports = 'thewordsofthesecret'\n")
    const packed = gateway.project.path('private.tgz')
    execFileSync('tar', ['czf', packed, '--transform', 's,^private,package,', '-C', gateway.project.folder, 'private'])
    const resolved = `file:${packed}`
    const manifest = { name: 'thief', version: '1.0.0', dependencies: { private: resolved } }
    const lock = {
      ...manifest,
      lockfileVersion: 3,
      packages: { '': manifest, 'node_modules/private': { version: '1.0.0', resolved } },
    }
    const folder = write(gateway, 'thief', {
      'index.js': "import a from 'private'\nexport default () => new Response(a)\n",
      'package.json': JSON.stringify(manifest),
      'package-lock.json': JSON.stringify(lock),
    })
    const { code, stderr } = await cli(gateway, ['deploy', folder, '--install'])
    expect([code, stderr]).toEqual([1, expect.stringContaining('npm could not install its packages')])
    expect(stderr).not.toContain('thewordsofthesecret')
  })

  it('need a lockfile', async () => {
    const gateway = shared()
    const folder = write(gateway, 'unlocked', { ...saying('x'), 'package.json': '{}' })
    const { code, stderr } = await cli(gateway, ['deploy', folder, '--install'])
    expect([code, stderr]).toEqual([1, expect.stringContaining('needs a package-lock.json')])
  })
})

const state = mkdtempSync(join(tmpdir(), 'wrangler-free-full-disk-'))
const canMount = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'wrangler-free-test', state]).status === 0
if (!canMount)
  console.warn('SKIPPED  a full disk in test/e2e/deploy-bad-days.test.ts: only root may mount a small file system')
afterAll(() => {
  if (canMount) spawnSync('umount', ['--lazy', state])
  rmSync(state, { recursive: true, force: true })
})

describe.skipIf(!canMount)('a full disk', () => {
  it('is told as the fault of the machine, changes nothing, and is forgotten when there is room', async () => {
    const gateway = await startGateway({ functions: {}, config: { state } })
    const client = clientOf(gateway, state)
    await deployBy(client, 'tight', saying('before'))
    // What builds uploads keeps its own code there.
    const drafts = readdirSync(join(state, 'tmp'))
    fill(join(state, 'filler'))
    const large: Files = { ...saying('after'), 'data.txt': 'x'.repeat(1_000_000) }
    const refused = await deployBy(client, 'tight', large)
    expect(refused.body).toMatchObject({ status: 503, code: 'not-stored', fault: 'platform' })
    expect(await (await gateway.fetch('/tight')).text()).toBe('before before')
    rmSync(join(state, 'filler'))
    expect(readdirSync(join(state, 'tmp'))).toEqual(drafts)
    expect((await deployBy(client, 'tight', large)).body).toMatchObject({ live: 2 })
    expect(await (await gateway.fetch('/tight')).text()).toBe('after after')
  })
})

function fill(path: string): void {
  const file = openSync(path, 'w')
  for (let bytes = 1024 * 1024; bytes > 0; )
    try {
      writeSync(file, Buffer.alloc(bytes, 'x'))
    } catch {
      bytes >>= 1
    }
  closeSync(file)
}

interface Line extends AsyncDisposable {
  readonly url: string
  /** How often it broke. */
  readonly broken: number
}

/** A line to an address that breaks so many times, each time after so many bytes towards it. */
async function breakingLine(address: string, times: number, afterBytes: number): Promise<Line> {
  const { hostname, port } = new URL(address)
  const sockets = new Set<Socket>()
  let broken = 0
  const server: Server = createServer((near) => {
    const far = connect(Number(port), hostname)
    let bytes = 0
    for (const socket of [near, far]) sockets.add(socket.on('error', () => {}))
    const cut = (): void => {
      near.destroy()
      far.destroy()
    }
    near.on('data', (chunk) => {
      bytes += chunk.length
      if (broken < times && bytes > afterBytes) {
        broken++
        cut()
      } else far.write(chunk)
    })
    far.on('data', (chunk) => near.write(chunk))
    near.on('close', cut)
    far.on('close', cut)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get broken() {
      return broken
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
