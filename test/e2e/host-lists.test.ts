/** `network: [hosts…]` in a real gateway: what a function reaches by its proxy, and that there is no other way out. */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type GatewayUnderTest, startGateway } from './gateway-under-test.ts'
import { eventually } from './processes.ts'

const ATTACKER = readFileSync(new URL('functions/attacker.mjs', import.meta.url), 'utf8')
const PYTHON = `
import errno, socket, urllib.request

def fetch(url):
    with urllib.request.urlopen(url) as response:
        return response.read().decode()

def connect(port):
    socket.create_connection(('127.0.0.1', port)).close()

def fast_open(port):
    socket.socket().sendto(b'x', socket.MSG_FASTOPEN, ('127.0.0.1', port))

def handler(request):
    query = request.query
    tries = {
        'fetch': lambda: fetch(query['url']),
        'connect': lambda: connect(int(query['port'])),
        'fast-open': lambda: fast_open(int(query['port'])),
        'datagram': lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
        'raw': lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK, 262),
        'bind': lambda: socket.create_server(('127.0.0.1', 0)),
        'ordinary': lambda: socket.socket(socket.AF_INET6, socket.SOCK_STREAM | socket.SOCK_CLOEXEC, socket.IPPROTO_TCP).close(),
    }
    try:
        return f"done: {tries[query['attack']]() or ''}"
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error))
`

const sites = [createServer(), createServer()].map((server, at) =>
  server.on('request', (_, response) => response.end(`site ${at}`)),
)
const [listed, other] = sites as [(typeof sites)[0], (typeof sites)[0]]
const urlOf = (server: typeof listed): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}/`

let gateway: GatewayUnderTest
beforeAll(async () => {
  for (const site of sites) await once(site.listen(0, '127.0.0.1'), 'listening')
})
afterAll(() => {
  for (const site of sites) site.close()
})

async function start(): Promise<void> {
  gateway = await startGateway({
    functions: { node: ATTACKER, free: ATTACKER, python: { 'index.py': PYTHON } },
    config: {
      overrides: Object.fromEntries(
        ['node', 'python'].map((name) => [name, { network: [new URL(urlOf(listed)).host] }]),
      ),
    },
  })
}

async function tried(name: string, attack: string, aims: Record<string, string> = {}): Promise<string> {
  return (await gateway.fetch(`/${name}?${new URLSearchParams({ attack, ...aims })}`)).text()
}

/** What a function sees of the proxy's answer; Node 24's fetch keeps it to itself. */
const SAYS_WHY = Number.parseInt(process.versions.node, 10) >= 26
const NOT_LISTED = SAYS_WHY ? /403 .* does not list 127/ : /^fetch failed$/

describe('a function with a list of hosts', () => {
  it('reaches what is listed by fetch, http and programs, and nothing else by any of them', async () => {
    await start()
    for (const attack of ['fetch', 'fetch-by-http', 'fetch-by-child']) {
      expect(await tried('node', attack, { url: urlOf(listed) }), attack).toMatch(/site 0$/)
      const refused = await tried('node', attack, { url: urlOf(other) })
      expect(refused, attack).not.toContain('site 1')
      expect(await tried('free', attack, { url: urlOf(other) }), attack).toMatch(/site 1$/)
    }
    expect(await tried('node', 'fetch', { url: urlOf(other) })).toMatch(NOT_LISTED)
    expect(await tried('python', 'fetch', { url: urlOf(listed) })).toBe('done: site 0')
    expect(await tried('python', 'fetch', { url: urlOf(other) })).toContain('403')
  })

  it('has no other way out: neither straight to what is listed, nor UDP, nor what is nearly TCP', async () => {
    await start()
    const { hostname: host, port } = new URL(urlOf(listed))
    expect(await tried('node', 'connect', { host, port })).toBe('EACCES')
    expect(await tried('node', 'datagram')).toMatch(/^(EACCES|EPERM)$/)
    expect(await tried('python', 'ordinary')).toBe('done: ')
    expect(await tried('python', 'connect', { port })).toBe('EACCES')
    expect(await tried('python', 'fast-open', { port })).toBe('EPERM')
    for (const attack of ['datagram', 'raw', 'bind']) expect(await tried('python', attack), attack).toBe('EACCES')
    expect(await tried('free', 'connect', { host, port })).toBe('done: ')
  })

  it('can connect to that one port of others as well: the kernel’s rule is for ports', async () => {
    await start()
    const port = (await tried('node', 'proxy')).replace('done: ', '')
    const elsewhere = createServer().listen(Number(port), '127.0.0.2')
    await once(elsewhere, 'listening')
    expect(await tried('node', 'connect', { host: '127.0.0.2', port })).toBe('done: ')
    elsewhere.close()
  })

  it('has what a changed list says', async () => {
    await start()
    expect(await tried('node', 'fetch', { url: urlOf(other) })).toMatch(NOT_LISTED)
    gateway.project.configure({ overrides: { node: { network: [new URL(urlOf(other)).host] } } })
    await eventually(async () => (await tried('node', 'fetch', { url: urlOf(other) })).endsWith('site 1'))
    expect(await tried('node', 'fetch', { url: urlOf(listed) })).toMatch(NOT_LISTED)
  })
})
