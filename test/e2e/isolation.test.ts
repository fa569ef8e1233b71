/**
 * What a function tries against its neighbours and the gateway, under each profile and in each runtime, in a real
 * gateway. The table in docs/security.md names these tests.
 */
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { writeDoor } from '../../warmpool/system-door/file.ts'
import { canFork } from '../../warmpool/template/available.ts'
import { addRuntimes } from './added-runtimes.ts'
import { shareGateway, startGateway } from './gateway-under-test.ts'
import { descendants, eventually, isAlive, parentOf } from './processes.ts'

const ATTACKER = readFileSync(new URL('functions/attacker.mjs', import.meta.url), 'utf8')
const NEIGHBOUR = 'export default () => new Response("unharmed")\nexport const SECRET = "in the code"'
const PYTHON = `
import _socket, os
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
        if what == 'listen':
            return 'done: ' + str(_socket.socket().bind(('', 0)))
    except OSError as error:
        return {1: 'EPERM', 13: 'EACCES'}.get(error.errno, str(error))
`

const outside = mkdtempSync(join(tmpdir(), 'isolation-outside-'))
writeFileSync(join(outside, 'secret'), 'a secret')
mkdirSync(join(outside, 'folder'))
afterAll(() => rmSync(outside, { recursive: true, force: true }))

const door = join(outside, 'door.node')
writeDoor(door, process.arch)

const { names: added, state } = addRuntimes('node@22', 'node@24', 'bun', 'deno')
/** Node as a fork of one that has booted. */
const FORKED = 'node, forked'
const RUNTIMES = ['node', ...(canFork() ? [FORKED] : []), ...added]

/** A function of that runtime: what it is here for, and where it runs. */
function named(runtime: string, what = 'attacker'): string {
  return `${what}-${runtime.replace(/\W+/g, '')}`
}

function started(runtime: string): object {
  return runtime === FORKED ? { runtime: 'node', startBy: 'fork' } : { runtime, startBy: 'boot' }
}

const KINDS: Readonly<Record<string, object>> = {
  attacker: { readable: [door] },
  trusted: { isolation: 'trusted' },
  offline: { network: 'none' },
}
const attackers = RUNTIMES.flatMap((runtime) =>
  Object.entries(KINDS).map(
    ([what, settings]) => [named(runtime, what), { ...started(runtime), ...settings }] as const,
  ),
)

const gateway = shareGateway({
  functions: {
    ...Object.fromEntries(attackers.map(([name]) => [name, ATTACKER])),
    allowed: ATTACKER,
    neighbour: NEIGHBOUR,
    snake: { 'index.py': PYTHON },
  },
  config: {
    state,
    // Of each runtime one kind of function after the other is called.
    pool: { maxWorkers: 32, blanks: 1 },
    defaults: { isolation: 'process', isolationMissing: 'refuse' },
    overrides: {
      ...Object.fromEntries(attackers),
      allowed: { readable: [join(outside, 'secret')], writable: [join(outside, 'folder')] },
      neighbour: { env: { TOKEN: "the neighbour's" }, minWorkers: 1, startBy: 'fork' },
    },
  },
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

const REFUSED = /^(EACCES|EPERM)$/

const secretFile = () => ({ path: join(outside, 'secret') })
const neighbourPid = async () => (await gateway().statusOf('neighbour')).workers[0]!.pid

async function neighbourBundle(): Promise<string> {
  const { bundle } = await gateway().statusOf('neighbour')
  return join(state, 'bundles', bundle)
}

/** What is called before its template has booted boots itself: then nothing of this would be about forks. */
beforeAll(async () => {
  if (!RUNTIMES.includes(FORKED)) return
  const [own, ...below] = descendants(gateway().pid)
  const isTemplate = (pid: number): boolean =>
    readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes('--single-threaded')
  const template = below.find((pid) => parentOf(pid) === own && isTemplate(pid))
  await eventually(() => template !== undefined && descendants(template).length > 1)
})

describe.each(RUNTIMES)('a function under `process` in %s', (runtime) => {
  const [attacker, trusted, offline] = ['attacker', 'trusted', 'offline'].map((what) => named(runtime, what)) as [
    string,
    string,
    string,
  ]

  it.runIf(runtime === FORKED)('is a fork', async () => {
    await tried(attacker, 'temporary')
    const { pid } = (await gateway().statusOf(attacker)).workers[0]!
    expect(parentOf(pid)).not.toBe(gateway().pid)
  })

  it.each(['read', 'read-pooled', 'read-by-child', 'read-by-link', 'read-by-hard-link'])(
    'reads no file of anybody else: %s',
    async (attack) => {
      expect(await tried(attacker, attack, secretFile())).toMatch(/^(EACCES|EPERM|EXDEV)$/)
      expect(await tried(trusted, attack, secretFile())).toMatch(/^done: a secret|^EXDEV/)
    },
  )

  it('reads neither /etc/shadow nor the configuration nor the state', async () => {
    const { folder } = gateway().project
    for (const path of ['/etc/shadow', join(folder, 'wrangler-free.config.json')])
      expect(await tried(attacker, 'read', { path }), path).toMatch(REFUSED)
    expect(await tried(attacker, 'list', { path: state })).toMatch(REFUSED)
  })

  it("reads neither a neighbour's code nor its source nor its temporary folder", async () => {
    const source = join(gateway().project.folder, 'functions/neighbour.js')
    for (const path of [join(await neighbourBundle(), 'bundle.mjs'), source])
      expect(await tried(attacker, 'read', { path }), path).toMatch(REFUSED)
    const path = (await tried(offline, 'temporary')).replace('done: ', '')
    expect(existsSync(path)).toBe(true)
    expect(await tried(attacker, 'list', { path })).toMatch(REFUSED)
    expect(await tried(attacker, 'list', { path: join(path, '..') })).toMatch(REFUSED)
  })

  it('writes nowhere but into its temporary folder', async () => {
    expect(await tried(attacker, 'write-own')).toBe('done: mine')
    for (const attack of ['write', 'write-by-child'])
      expect(await tried(attacker, attack, { path: join(outside, 'new') })).toMatch(REFUSED)
    expect(readdirSync(outside).sort()).toEqual(['door.node', 'folder', 'secret'])
  })

  it('poisons no bundle: not the neighbour’s, and not its own', async () => {
    for (const name of ['neighbour', attacker]) {
      const { bundle } = await gateway().statusOf(name)
      const path = join(state, 'bundles', bundle, 'bundle.mjs')
      expect(await tried(attacker, 'write', { path }), name).toMatch(REFUSED)
    }
    expect(await (await gateway().fetch('/neighbour')).text()).toBe('unharmed')
  })

  it('signals neither the gateway nor a neighbour', async () => {
    for (const pid of [gateway().pid, await neighbourPid()]) {
      for (const signal of [0, 'SIGTERM', 'SIGKILL', 'SIGUSR1'])
        expect(await tried(attacker, 'signal', { pid, signal })).toBe('EPERM')
      expect(await tried(attacker, 'signal-by-child', { pid })).toMatch(REFUSED)
      expect(isAlive(pid)).toBe(true)
    }
    expect(await tried(trusted, 'signal', { pid: gateway().pid, signal: 0 })).toBe('done: true')
  })

  it('reads neither environment nor memory of the gateway and of a neighbour', async () => {
    for (const pid of [gateway().pid, await neighbourPid()])
      for (const file of ['environ', 'mem', 'maps'])
        expect(await tried(attacker, 'read', { path: `/proc/${pid}/${file}` }), file).toMatch(REFUSED)
  })

  it('traces nobody, reads nobody’s memory and sets nobody’s limits', async () => {
    const { pid } = gateway()
    for (const attack of ['trace', 'read-memory', 'limits'])
      expect(await tried(attacker, attack, { pid }), attack).toMatch(REFUSED)
  })

  it('speaks to no abstract socket of anybody else', async () => {
    const name = `isolation-test-${process.pid}`
    const server = createServer().listen({ path: `\0${name}` })
    try {
      expect(await tried(attacker, 'connect-abstract', { name })).toMatch(REFUSED)
      expect(await tried(trusted, 'connect-abstract', { name })).toBe('done: ')
    } finally {
      server.close()
    }
  })

  it.each(['shared-memory', 'message-queue', 'semaphores', 'posix-queue'])(
    'has no IPC that outlives it and that others read: %s',
    async (attack) => {
      expect(await tried(attacker, attack)).toBe('EPERM')
      expect(await tried(trusted, attack)).toMatch(/^done: /)
    },
  )

  it('opens no TCP port: by itself, by native code, by a child', async () => {
    for (const attack of ['listen', 'listen-by-native', 'listen-by-child'])
      expect(await tried(attacker, attack), attack).toBe('EACCES')
    expect(await tried(attacker, 'open-multipath')).toBe('error 93')
  })

  it('makes no namespaces', async () => {
    expect(await tried(attacker, 'namespace')).toMatch(REFUSED)
  })

  it('has nothing open for writing that others read', async () => {
    expect(await tried(attacker, 'open-files')).toBe('done: ')
  })

  it('is confined in every thread, those that were there before included', async () => {
    expect(await tried(attacker, 'threads')).toMatch(/^done: 12( 12){2,}$/)
    expect(await tried(trusted, 'threads')).toMatch(/^done: 00\+?( 00\+?){2,}$/)
  })

  it('has the network by default: the admin address too, which is what its token is for', async () => {
    const { hostname: host, port } = new URL(gateway().adminAddress)
    expect(await tried(attacker, 'connect', { host, port })).toBe('done: ')
  })

  it('has no network with `none`: neither TCP nor UDP', async () => {
    const { hostname: host, port } = new URL(gateway().adminAddress)
    expect(await tried(offline, 'connect', { host, port })).toMatch(REFUSED)
    expect(await tried(offline, 'datagram')).toMatch(REFUSED)
    expect(await tried(attacker, 'datagram')).toBe('done: ')
  })
})

describe('a function under `process`', () => {
  it('in Python is confined alike', async () => {
    const { pid } = gateway()
    expect(await tried('snake', 'read', secretFile())).toBe('EACCES')
    expect(await tried('snake', 'read', { path: `/proc/${pid}/environ` })).toBe('EACCES')
    expect(await tried('snake', 'write', { path: join(outside, 'new') })).toBe('EACCES')
    expect(await tried('snake', 'signal', { pid })).toBe('EPERM')
    expect(await tried('snake', 'listen')).toBe('EACCES')
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
  it('is there by default: the admin address too, which tells nothing without the token that no function can read', async () => {
    const { hostname: host, port } = new URL(gateway().adminAddress)
    expect(await tried(named('node'), 'connect', { host, port })).toBe('done: ')
    expect((await fetch(`${gateway().adminAddress}/v1/status`)).status).toBe(401)
    expect((await gateway().fetchAdmin('/v1/status')).status).toBe(200)
    const path = join(state, 'admin.json')
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(await tried(named('node'), 'read', { path })).toMatch(REFUSED)
  })
})

/** The gateway needs node:ffi for it. */
const KEEPS_DESCRIPTORS = Number.parseInt(process.versions.node, 10) >= 26

it.runIf(KEEPS_DESCRIPTORS)('what the gateway was started with is inherited by no worker, trusted or not', async () => {
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
