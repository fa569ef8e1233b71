/**
 * What a function tries against its neighbours and the gateway from inside a sandbox, in a real gateway, as the superuser's
 * and as an ordinary user's. The table in docs/security.md names these tests; isolation.test.ts has those of `process`.
 */

import { once } from 'node:events'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { networkInterfaces, tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { noSandboxBecause } from '../../warmpool/sandbox/available.ts'
import { writeDoor } from '../../warmpool/system-door/file.ts'
import { addRuntimes } from './added-runtimes.ts'
import { shareGateway, startGateway } from './gateway-under-test.ts'
import { IS_SUPERUSER, ORDINARY_USER } from './ordinary-user.ts'
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
const folderOfDoor = mkdtempSync(join(tmpdir(), 'sandbox-door-'))
chmodSync(folderOfDoor, 0o755)
const door = join(folderOfDoor, 'door.node')
writeDoor(door, process.arch)
afterAll(() => rmSync(folderOfDoor, { recursive: true, force: true }))

/** What is not there cannot be refused. */
const REFUSED = /^(EACCES|EPERM|ENOENT|ESRCH|EROFS)$/

interface Case {
  readonly title: string
  /** Whose gateway it is; missing: of whoever runs these tests. */
  readonly user?: number
}

const CASES: readonly Case[] = [
  { title: 'a sandbox' },
  ...(ORDINARY_USER === null ? [] : [{ title: 'a sandbox of an ordinary user', user: ORDINARY_USER }]),
]

const noSandbox = noSandboxBecause('none')
if (noSandbox !== null) console.warn(`SKIPPED  what needs a sandbox: ${noSandbox}`)

for (const { title, user } of CASES)
  describe.skipIf(noSandbox !== null)(`in ${title}`, () => {
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
        defaults: { isolation: 'sandbox', readable: [door] },
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
        door,
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
          expect(await tried('attacker', attack, secretFile())).toMatch(/^(ENOENT|EXDEV)$/)
          expect(await tried('trusted', attack, secretFile())).toMatch(
            user === undefined ? /^done: a secret|^EXDEV/ : /^done: a secret|^EXDEV|^EPERM/,
          )
        },
      )

      it('reads neither /etc/shadow nor the configuration nor the state', async () => {
        const { folder } = gateway().project
        for (const path of ['/etc/shadow', join(folder, 'wrangler-free.config.json')])
          expect(await tried('attacker', 'read', { path }), path).toMatch(REFUSED)
        // Below its own /tmp, where this test's project lies, are the folders that lead to its bundle, and nothing in them.
        expect(await tried('attacker', 'list', { path: join(folder, '.wrangler-free') })).toBe('done: bundles')
        expect(await tried('attacker', 'list', { path: folder })).toBe('done: .wrangler-free functions')
      })

      it("reads neither a neighbour's code nor its source nor its temporary folder", async () => {
        const source = join(gateway().project.folder, 'functions/neighbour.js')
        for (const path of [join(await neighbourBundle(), 'bundle.mjs'), source])
          expect(await tried('attacker', 'read', { path }), path).toMatch(REFUSED)
        const path = (await tried('offline', 'temporary')).replace('done: ', '')
        expect(existsSync(path)).toBe(true)
        expect(await tried('attacker', 'list', { path })).toMatch(REFUSED)
        expect(await tried('attacker', 'list', { path: join(path, '..') })).toMatch(/^done: \d+$/)
        expect(await tried('attacker', 'list', { path: join(path, '..') })).not.toBe(`done: ${basename(path)}`)
      })

      it('writes nowhere but into its temporary folder', async () => {
        expect(await tried('attacker', 'write-own')).toBe('done: mine')
        for (const attack of ['write', 'write-by-child'])
          expect(await tried('attacker', attack, { path: join(outside, 'new') })).toMatch(REFUSED)
        expect(readdirSync(outside).sort()).toEqual(['folder', 'secret'])
      })

      it('has a /tmp of its own, empty but for what is its own anyway', async () => {
        for (const name of ['attacker', 'offline']) expect(await tried(name, 'write-tmp')).toBe('done: mine')
        const theirs = new Set(readdirSync(tmpdir()))
        const seen = (await tried('attacker', 'list-tmp')).replace('done: ', '').split(' ').filter(Boolean)
        expect(seen.length).toBeLessThan(theirs.size)
        expect(seen).not.toContain(basename(outside))
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
            expect(await tried('attacker', 'signal', { pid, signal })).toMatch(/^ESRCH$/)
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

      it.each(['shared-memory', 'message-queue', 'semaphores', 'posix-queue'])(
        'has no IPC that outlives it and that others read: %s',
        async (attack) => {
          expect(await tried('attacker', attack)).toBe('EPERM')
          expect(await tried('trusted', attack)).toMatch(/^done: /)
        },
      )

      it('opens no TCP port: by itself, by native code, by a child', async () => {
        for (const attack of ['listen', 'listen-by-native', 'listen-by-child'])
          expect(await tried('attacker', attack), attack).toBe('EACCES')
        expect(await tried('attacker', 'open-multipath')).toBe('error 93')
      })

      it('makes no namespaces', async () => {
        expect(await tried('attacker', 'namespace')).toMatch(REFUSED)
      })

      it('is confined in every thread, those that were there before included', async () => {
        expect(await tried('attacker', 'threads')).toMatch(/^done: 12( 12){2,}$/)
        expect(await tried('trusted', 'threads')).toMatch(/^done: 00\+?( 00\+?){2,}$/)
      })

      it('in Python is confined alike', async () => {
        const { pid } = gateway()
        expect(await tried('snake', 'read', secretFile())).toBe('ENOENT')
        expect(await tried('snake', 'read', { path: `/proc/${pid}/environ` })).toBe('ENOENT')
        expect(await tried('snake', 'write', { path: join(outside, 'new') })).toMatch(REFUSED)
        expect(await tried('snake', 'signal', { pid })).toBe('ESRCH')
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
        expect(await tried('offline', 'connect', { host, port })).toMatch(/^ECONNREFUSED$/)
        expect(await tried('offline', 'datagram')).toMatch(/^done: $/)
        expect(await tried('attacker', 'datagram')).toBe('done: ')
      })
    })

    describe('a function that `process` would leave more to', () => {
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

      it('watches no folder of anybody else', async () => {
        const path = (await tried('offline', 'temporary')).replace('done: ', '')
        expect(await tried('trusted', 'watch', { path: outside })).toBe('done: ')
        for (const folder of [path, outside]) expect(await tried('attacker', 'watch', { path: folder })).toBe('ENOENT')
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

describe.skipIf(noSandbox !== null)('sandboxes of other runtimes', () => {
  const { names, state } = addRuntimes('node@22', 'bun', 'deno')
  const functions = Object.fromEntries(names.map((name) => [name.replace('@', ''), ATTACKER]))
  const overrides = Object.fromEntries(names.map((name) => [name.replace('@', ''), { runtime: name }]))
  const gateway = shareGateway({
    functions,
    config: { state, pool: { maxWorkers: 16, blanks: 1 }, defaults: { isolation: 'sandbox' }, overrides },
  })

  it.each(names)('%s sees nothing but its own', async (runtime) => {
    const name = runtime.replace('@', '')
    const tried = async (attack: string, path: string): Promise<string> =>
      (await gateway().fetch(`/${name}?${new URLSearchParams({ attack, path })}`)).text()
    expect(await tried('size', join(outside, 'secret'))).toBe('ENOENT')
    expect(await tried('list', '/.host')).toBe('ENOENT')
    expect(await tried('write-own', '')).toBe('done: mine')
    expect(await tried('threads', '')).toMatch(/^done: 12( 12)*$/)
    const { isolation } = await gateway().statusOf(name)
    expect(isolation).toMatchObject({ profile: 'sandbox', missing: [] })
  })
})
