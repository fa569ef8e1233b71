/**
 * What a function tries against its neighbours and the gateway, under each profile, in a real gateway. The table in
 * docs/security.md names these tests.
 */

import { once } from 'node:events'
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { noSandboxBecause } from '../../warmpool/sandbox/available.ts'
import { shareGateway, startGateway } from './gateway-under-test.ts'
import { descendants, eventually, isAlive } from './processes.ts'

const ATTACKER = readFileSync(new URL('functions/attacker.mjs', import.meta.url), 'utf8')
const NEIGHBOUR = 'export default () => new Response("unharmed")\nexport const SECRET = "in the code"'
const PYTHON = `
import errno, os
def handler(request):
    try:
        what = request.query['attack']
        if what == 'read':
            return 'done: ' + open(request.query['path'], 'rb').read(40).decode('latin-1')
        if what == 'write':
            return 'done: ' + str(open(request.query['path'], 'w').write('poisoned'))
        if what == 'signal':
            return 'done: ' + str(os.kill(int(request.query['pid']), 0))
        if what == 'environment':
            return 'done: ' + ' '.join(sorted(os.environ))
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error))
`

const outside = mkdtempSync(join(tmpdir(), 'isolation-outside-'))
writeFileSync(join(outside, 'secret'), 'a secret')
mkdirSync(join(outside, 'folder'))
// A sandboxed function is another user, where the gateway is the superuser.
chmodSync(outside, 0o755)
chmodSync(join(outside, 'folder'), 0o777)
afterAll(() => rmSync(outside, { recursive: true, force: true }))

interface Case {
  readonly title: string
  readonly isolation: 'process' | 'sandbox'
  /** Whose gateway it is; missing: of whoever runs these tests. */
  readonly user?: number
  readonly refused: RegExp
}

/** What is not there cannot be refused. */
const NOT_THERE = /^(EACCES|EPERM|ENOENT|ESRCH|EROFS)$/
const ORDINARY_USER = 65_534
const IS_SUPERUSER = process.getuid!() === 0

const CASES: readonly Case[] = [
  { title: 'process', isolation: 'process', refused: /^(EACCES|EPERM)$/ },
  { title: 'sandbox', isolation: 'sandbox', refused: NOT_THERE },
  ...(IS_SUPERUSER
    ? [{ title: 'sandbox of an ordinary user', isolation: 'sandbox', user: ORDINARY_USER, refused: NOT_THERE } as const]
    : []),
]

const noSandbox = noSandboxBecause('none')
if (noSandbox !== null) console.warn(`SKIPPED  what needs a sandbox: ${noSandbox}`)

for (const { title, isolation, user, refused: REFUSED } of CASES)
  describe.skipIf(isolation === 'sandbox' && noSandbox !== null)(`under ${title}`, () => {
    const gateway = shareGateway({
      functions: {
        attacker: ATTACKER,
        trusted: ATTACKER,
        offline: ATTACKER,
        allowed: ATTACKER,
        neighbour: NEIGHBOUR,
        snake: { 'index.py': PYTHON },
      },
      config: {
        defaults: { isolation },
        overrides: {
          trusted: { isolation: 'trusted' },
          offline: { network: 'none' },
          allowed: { readable: [join(outside, 'secret')], writable: [join(outside, 'folder')] },
          neighbour: { env: { TOKEN: "the neighbour's" }, minWorkers: 1 },
        },
      },
      ...(user === undefined ? {} : { user }),
    })

    async function tried(
      name: string,
      attack: string,
      aims: Readonly<Record<string, string | number>> = {},
    ): Promise<string> {
      const query = new URLSearchParams({
        attack,
        ...Object.fromEntries(Object.entries(aims).map(([key, value]) => [key, String(value)])),
      })
      return (await gateway().fetch(`/${name}?${query}`)).text()
    }

    const secretFile = () => ({ path: join(outside, 'secret') })
    const neighbourPid = async () => (await gateway().statusOf('neighbour')).workers[0]!.pid

    async function neighbourBundle(): Promise<string> {
      const { bundle } = await gateway().statusOf('neighbour')
      return join(gateway().project.folder, '.wrangler-free/bundles', bundle)
    }

    describe('a function', () => {
      it.each(['read', 'read-pooled', 'read-by-child', 'read-by-link', 'read-by-hard-link'])(
        'reads no file of anybody else: %s',
        async (attack) => {
          expect(await tried('attacker', attack, secretFile())).toMatch(
            isolation === 'process' ? /^(EACCES|EPERM|EXDEV)$/ : /^(ENOENT|EXDEV)$/,
          )
          expect(await tried('trusted', attack, secretFile())).toMatch(
            user === undefined ? /^done: a secret|^EXDEV/ : /^done: a secret|^EXDEV|^EPERM/,
          )
        },
      )

      it('reads neither /etc/shadow nor the configuration nor the state', async () => {
        const { folder } = gateway().project
        for (const path of ['/etc/shadow', join(folder, 'wrangler-free.config.json')])
          expect(await tried('attacker', 'read', { path }), path).toMatch(REFUSED)
        expect(await tried('attacker', 'list', { path: join(folder, '.wrangler-free') })).toMatch(REFUSED)
      })

      it("reads neither a neighbour's code nor its source nor its temporary folder", async () => {
        const source = join(gateway().project.folder, 'functions/neighbour.js')
        for (const path of [join(await neighbourBundle(), 'bundle.mjs'), source])
          expect(await tried('attacker', 'read', { path }), path).toMatch(REFUSED)
        const path = (await tried('offline', 'temporary')).replace('done: ', '')
        expect(existsSync(path)).toBe(true)
        expect(await tried('attacker', 'list', { path })).toMatch(REFUSED)
        expect(await tried('attacker', 'list', { path: join(path, '..') })).toMatch(REFUSED)
      })

      it('writes nowhere but into its temporary folder', async () => {
        expect(await tried('attacker', 'write-own')).toBe('done: mine')
        for (const attack of ['write', 'write-by-child'])
          expect(await tried('attacker', attack, { path: join(outside, 'new') })).toMatch(REFUSED)
        expect(readdirSync(outside).sort()).toEqual(['folder', 'secret'])
      })

      it('poisons no bundle: not the neighbour’s, and not its own', async () => {
        for (const name of ['neighbour', 'attacker']) {
          const { bundle } = await gateway().statusOf(name)
          const path = join(gateway().project.folder, '.wrangler-free/bundles', bundle, 'bundle.mjs')
          expect(await tried('attacker', 'write', { path }), name).toMatch(REFUSED)
        }
        expect(await (await gateway().fetch('/neighbour')).text()).toBe('unharmed')
      })

      it('signals neither the gateway nor a neighbour', async () => {
        for (const pid of [gateway().pid, await neighbourPid()]) {
          for (const signal of [0, 'SIGTERM', 'SIGKILL', 'SIGUSR1'])
            expect(await tried('attacker', 'signal', { pid, signal })).toMatch(
              isolation === 'process' ? /^EPERM$/ : /^ESRCH$/,
            )
          expect(await tried('attacker', 'signal-by-child', { pid })).toMatch(REFUSED)
          expect(isAlive(pid)).toBe(true)
        }
        expect(await tried('trusted', 'signal', { pid: gateway().pid, signal: 0 })).toBe('done: true')
      })

      it('reads neither environment nor memory of the gateway and of a neighbour', async () => {
        for (const pid of [gateway().pid, await neighbourPid()])
          for (const file of ['environ', 'mem', 'maps'])
            expect(await tried('attacker', 'read', { path: `/proc/${pid}/${file}` }), file).toMatch(REFUSED)
      })

      it('traces nobody, reads nobody’s memory and sets nobody’s limits', async () => {
        const { pid } = gateway()
        for (const attack of ['trace', 'read-memory', 'limits'])
          expect(await tried('attacker', attack, { pid }), attack).toMatch(REFUSED)
      })

      it('speaks to no abstract socket of anybody else', async () => {
        const name = `isolation-test-${process.pid}`
        const server = createServer().listen({ path: `\0${name}` })
        try {
          expect(await tried('attacker', 'connect-abstract', { name })).toMatch(REFUSED)
          expect(await tried('trusted', 'connect-abstract', { name })).toBe('done: ')
        } finally {
          server.close()
        }
      })

      it('makes no namespaces', async () => {
        expect(await tried('attacker', 'namespace')).toMatch(REFUSED)
      })

      it('is confined in every thread, those that were there before included', async () => {
        expect(await tried('attacker', 'threads')).toMatch(/^done: 2+$/)
        expect(await tried('trusted', 'threads')).toMatch(/^done: 0+$/)
      })

      it('in Python is confined alike', async () => {
        const { pid } = gateway()
        const [unreadable, unreachable] = isolation === 'process' ? ['EACCES', 'EPERM'] : ['ENOENT', 'ESRCH']
        expect(await tried('snake', 'read', secretFile())).toBe(unreadable)
        expect(await tried('snake', 'read', { path: `/proc/${pid}/environ` })).toBe(unreadable)
        expect(await tried('snake', 'write', { path: join(outside, 'new') })).toMatch(REFUSED)
        expect(await tried('snake', 'signal', { pid })).toBe(unreachable)
      })

      it('reads and writes what the operator allows, and nothing beside it', async () => {
        expect(await tried('allowed', 'read', secretFile())).toBe('done: a secret')
        expect(await tried('allowed', 'write', secretFile())).toMatch(REFUSED)
        const path = join(outside, 'folder', 'new')
        expect(await tried('allowed', 'write', { path })).toBe('done: ')
        expect(readFileSync(path, 'utf8')).toBe('poisoned')
        rmSync(path)
      })
    })

    describe('the network', () => {
      it('is there by default: the admin address too, which is what its token is for', async () => {
        const { hostname: host, port } = new URL(gateway().adminAddress)
        expect(await tried('attacker', 'connect', { host, port })).toBe('done: ')
      })

      it('is not there with `none`: neither TCP nor UDP', async () => {
        const { hostname: host, port } = new URL(gateway().adminAddress)
        // In a sandbox there is a network, with nobody else in it.
        expect(await tried('offline', 'connect', { host, port })).toMatch(
          isolation === 'process' ? REFUSED : /^ECONNREFUSED$/,
        )
        expect(await tried('offline', 'datagram')).toMatch(isolation === 'process' ? REFUSED : /^done: $/)
        expect(await tried('attacker', 'datagram')).toBe('done: ')
      })
    })

    describe.runIf(isolation === 'sandbox')('a sandboxed function', () => {
      it('learns neither names nor sizes nor times of files that are not its own', async () => {
        for (const path of [
          outside,
          join(outside, 'secret'),
          '/var/log',
          gateway().project.path('functions/neighbour.js'),
        ])
          expect(await tried('attacker', 'size', { path }), path).toBe('ENOENT')
        expect(await tried('trusted', 'size', secretFile())).toBe('done: 8')
      })

      it('changes neither mode nor times of them', async () => {
        for (const attack of ['mode', 'times'])
          expect(await tried('attacker', attack, secretFile()), attack).toBe('ENOENT')
        for (const path of ['/usr', '/etc/passwd', '/'])
          expect(await tried('attacker', 'mode', { path }), path).toMatch(/^(EROFS|EPERM)$/)
      })

      it('sees no process but its own, and so no command line of anybody else', async () => {
        const all = await tried('trusted', 'command-lines')
        expect(all).toContain('wrangler-free.js')
        const own = await tried('attacker', 'command-lines')
        expect(own).not.toContain('wrangler-free.js')
        expect(own.split('\n').length).toBeLessThan(all.split('\n').length)
      })

      it('reaches no unix socket that is a file', async () => {
        const path = join(outside, 'socket')
        const server = createServer().listen(path)
        await once(server, 'listening')
        chmodSync(path, 0o777)
        try {
          expect(await tried('attacker', 'connect-file', { path })).toBe('ENOENT')
          expect(await tried('trusted', 'connect-file', { path })).toBe('done: ')
        } finally {
          server.close()
        }
      })

      it('with `none` has a network of its own with nothing in it but itself', async () => {
        expect(await tried('offline', 'interfaces')).toMatch(/^done: (lo)?$/)
        expect(await tried('attacker', 'interfaces')).toBe(`done: ${Object.keys(networkInterfaces()).join(' ')}`)
      })

      it('has namespaces of its own, and of the network as configured', async () => {
        const names = async (name: string) => (await tried(name, 'namespaces')).replace('done: ', '').split(' ')
        const [attacker, offline, trusted] = await Promise.all(['attacker', 'offline', 'trusted'].map(names))
        for (const at of [0, 1, 2, 3, 4]) expect(attacker![at]).not.toBe(trusted![at])
        for (const at of [0, 1, 2, 3]) expect(attacker![at]).not.toBe(offline![at])
        expect([attacker![5] === trusted![5], offline![5] === trusted![5]]).toEqual([true, false])
      })

      it('is a user of its own where the gateway is the superuser, else the gateway’s', async () => {
        const [attacker, offline] = await Promise.all(['attacker', 'offline'].map((name) => tried(name, 'user')))
        if (!IS_SUPERUSER || user !== undefined) return expect(attacker).toMatch(`done: ${user ?? process.getuid!()} `)
        expect(attacker).toMatch(/^done: (2\d{9}) \1 (\1)?$/)
        expect(attacker).not.toBe(offline)
      })

      it('is told of with its profile and what holds', async () => {
        await tried('attacker', 'user')
        const { isolation: status } = await gateway().statusOf('attacker')
        expect(status).toMatchObject({ profile: 'sandbox', network: 'all', missing: [] })
        expect(status.inForce).toEqual(
          expect.arrayContaining(['namespaces', 'privileges', 'files', 'signals', 'system-calls']),
        )
      })

      it('is gone whole, and whatever it started in a session of its own, when its worker is killed', async () => {
        const pid = Number((await tried('attacker', 'linger')).replace('done: ', ''))
        const { workers } = await gateway().statusOf('attacker')
        const before = descendants(workers[0]!.pid)
        expect(before.length).toBeGreaterThan(3)
        expect(pid).toBeGreaterThan(0)
        process.kill(workers[0]!.pid, 'SIGKILL')
        await eventually(() => before.every((one) => !isAlive(one)))
      })
    })
  })

it('what the gateway was started with is inherited by no worker, trusted or not', async () => {
  const inherited = openSync(join(outside, 'secret'), 'r')
  const functions = { attacker: ATTACKER, trusted: ATTACKER }
  const own = await startGateway({ functions, config: { overrides: { trusted: { isolation: 'trusted' } } }, inherited })
  closeSync(inherited)
  expect(readlinkSync(`/proc/${own.pid}/fd/3`)).toBe(join(outside, 'secret'))
  for (const name of ['attacker', 'trusted'])
    expect(await (await own.fetch(`/${name}?attack=descriptors`)).text()).not.toContain(outside)
})

it("a worker's temporary folder is gone with it", async () => {
  const own = await startGateway({
    functions: { attacker: ATTACKER },
    config: { overrides: { attacker: { maxInvocations: 1 } } },
  })
  const path = (await (await own.fetch('/attacker?attack=temporary')).text()).replace('done: ', '')
  expect(path).toMatch(/wrangler-free-workers-/)
  await eventually(() => !existsSync(path))
})

describe('a sandbox that cannot be had', () => {
  const withoutBubblewrap = (config: object) =>
    startGateway({ functions: { attacker: ATTACKER }, config, env: { PATH: '/no/such/folder' } })

  it('is refused, with what is missing and the way out', async () => {
    const own = await withoutBubblewrap({ defaults: { isolation: 'sandbox' } })
    const { status, code, fault, detail } = await own.problem('/attacker?attack=user')
    expect({ status, code, fault }).toEqual({ status: 503, code: 'boot-failed', fault: 'platform' })
    expect(detail).toContain('apt install bubblewrap')
    expect(detail).toContain("isolationMissing: 'warn'")
    const { isolation } = await own.statusOf('attacker')
    expect(isolation).toMatchObject({ profile: 'sandbox', inForce: null, missing: [{ mechanism: 'namespaces' }] })
  })

  it('is `process` where that is allowed, and said wherever it is looked for', async () => {
    const own = await withoutBubblewrap({ defaults: { isolation: 'sandbox', isolationMissing: 'warn' } })
    expect(await (await own.fetch('/attacker?attack=size&path=/root')).text()).toMatch(/^done: /)
    const { isolation } = await own.statusOf('attacker')
    expect(isolation.missing).toEqual([{ mechanism: 'namespaces', why: expect.stringContaining('bubblewrap') }])
    expect(isolation.inForce).toEqual(['privileges', 'files', 'signals', 'system-calls'])
    await own.logged(({ msg }) => /without a part of its isolation \(namespaces: bubblewrap is not installed/.test(msg))
  })
})

it.skipIf(noSandbox !== null)('a runtime that cannot mount is started in a sandbox for its function', async () => {
  const worker = fileURLToPath(new URL('functions/template_worker.py', import.meta.url))
  const functions = { page: { 'main.txt': 'hello $target', 'function.json': '{"runtime":"templates"}' } }
  const runtimes = { templates: { command: ['python3', worker] } }
  const own = await startGateway({
    functions,
    config: { runtimes, defaults: { isolation: 'sandbox', network: 'none' } },
  })
  expect(await (await own.fetch('/page/x')).text()).toBe('hello /x')
  const { workers, isolation } = await own.statusOf('page')
  expect(isolation).toMatchObject({ profile: 'sandbox', missing: [] })
  const inside = descendants(workers[0]!.pid).at(-1)!
  expect(readlinkSync(`/proc/${inside}/ns/mnt`)).not.toBe(readlinkSync('/proc/self/ns/mnt'))
  const bundles = readdirSync(`/proc/${inside}/root${own.project.folder}/.wrangler-free/bundles`)
  expect(bundles).toEqual([(await own.statusOf('page')).bundle])
  expect(existsSync(`/proc/${inside}/root/var`)).toBe(false)
})
