/** The way out, spoken to by hand: what it lets through, for whom, and what it is told that it does not. */
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { EgressProxy } from '../../../gateway/egress/proxy.ts'
import { RawConnection } from '../../e2e/raw-connection.ts'

const lists = new Map<string, readonly string[]>()
const proxy = new EgressProxy((name) => lists.get(name) ?? null)
/** Sends back what it gets. */
const echo = createServer((socket) => socket.on('error', () => {}).pipe(socket))
const site = createHttpServer((request, response) =>
  response.end(`${request.method} ${request.url} ${request.headers['proxy-authorization'] ?? 'no password'}`),
)

const portOf = (server: Server): number => (server.address() as AddressInfo).port

beforeAll(async () => {
  for (const server of [echo, site]) await once(server.listen(0, '127.0.0.1'), 'listening')
  await proxy.open()
  lists.set('listed', [`127.0.0.1:${portOf(echo)}`, `127.0.0.1:${portOf(site)}`])
  lists.set('by name', ['localhost'])
  lists.set('elsewhere', ['example.com'])
})

afterAll(() => {
  proxy.close()
  echo.close()
  site.close()
})

/** Text that goes to the proxy, with the password that this function was given. */
async function ask(name: string | null, text: string): Promise<RawConnection> {
  const { url, password, username } = credentials(name ?? 'listed')
  const connection = await RawConnection.open(url)
  const basic = Buffer.from(`${username}:${password}`).toString('base64')
  const authorization = name === null ? '' : `proxy-authorization: Basic ${basic}\r\n`
  return connection.send(`${text}\r\nhost: somewhere\r\n${authorization}\r\n`)
}

function credentials(name: string) {
  const { username, password, port } = new URL(proxy.egressOf(name)!.env.HTTP_PROXY!)
  return { url: `http://127.0.0.1:${port}`, username: decodeURIComponent(username), password }
}

it('opens a way to what is listed, and then hands on bytes both ways', async () => {
  const way = await ask('listed', `CONNECT 127.0.0.1:${portOf(echo)} HTTP/1.1`)
  expect(await way.until('\r\n\r\n')).toMatch(/^HTTP\/1\.1 200 /)
  way.send('there and back')
  expect(await way.until('back')).toBe('there and back')
  way.socket.end()
  expect(await way.rest()).toBe('')
})

it('hands on requests for plain http, without the password', async () => {
  const response = await (await ask('listed', `GET http://127.0.0.1:${portOf(site)}/a?b HTTP/1.1`)).response()
  expect(response).toMatchObject({ status: 200, body: 'GET /a?b no password' })
})

it.each([
  ['what is not listed', 'listed', 'CONNECT example.com:443', 403],
  ['a port that is not listed', 'listed', 'CONNECT 127.0.0.1:1', 403],
  ['plain http to what is not listed', 'listed', 'GET http://example.com/', 403],
  ['what is no address', 'listed', 'CONNECT nowhere', 400],
  ['itself, asked as a server', 'listed', 'GET /', 400],
  ['another scheme', 'listed', 'GET ftp://127.0.0.1/', 400],
  ['whoever does not say who it is', null, 'CONNECT example.com:443', 407],
  ['a function without a list', 'unlisted', 'CONNECT example.com:443', 407],
])('refuses %s', async (_what, name, line, status) => {
  expect((await (await ask(name, `${line} HTTP/1.1`)).response()).status).toBe(status)
})

it('takes no other function’s password for this one', async () => {
  const { url, password } = credentials('elsewhere')
  const basic = Buffer.from(`listed:${password}`).toString('base64')
  const connection = await RawConnection.open(url)
  connection.send(
    `CONNECT 127.0.0.1:${portOf(echo)} HTTP/1.1\r\nhost: x\r\nproxy-authorization: Basic ${basic}\r\n\r\n`,
  )
  expect((await connection.response()).status).toBe(407)
})

it('goes by the list of the moment', async () => {
  const line = `CONNECT 127.0.0.1:${portOf(echo)} HTTP/1.1`
  expect((await (await ask('elsewhere', line)).response()).status).toBe(403)
  lists.set('elsewhere', ['127.0.0.1'])
  expect(await (await ask('elsewhere', line)).until('\r\n')).toContain('200')
})

it('says when what is listed cannot be reached', async () => {
  const { port } = await freePort()
  lists.set('dead', [`127.0.0.1:${port}`])
  const response = await (await ask('dead', `CONNECT 127.0.0.1:${port} HTTP/1.1`)).response()
  expect(response).toMatchObject({ status: 502, body: expect.stringContaining('cannot be reached') })
})

it('takes localhost for this machine where it is listed as that', async () => {
  const way = await ask('by name', `CONNECT localhost:${portOf(echo)} HTTP/1.1`)
  expect(await way.until('\r\n')).toContain('200')
  way.close()
})

it('bounds what one function holds open', async () => {
  const line = `CONNECT 127.0.0.1:${portOf(echo)} HTTP/1.1`
  lists.set('greedy', ['127.0.0.1'])
  const ways: RawConnection[] = []
  for (let at = 0; at < 32; at++) {
    ways.push(await ask('greedy', line))
    expect(await ways[at]!.until('\r\n')).toContain('200')
  }
  expect((await (await ask('greedy', line)).response()).status).toBe(503)
  const other = await ask('listed', line)
  expect(await other.until('\r\n')).toContain('200')
  for (const way of [...ways, other]) way.close()
})

async function freePort(): Promise<{ port: number }> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const port = portOf(server)
  server.close()
  await once(server, 'close')
  return { port }
}
