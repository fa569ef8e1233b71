/** Requests over a limit, refused in their middle, or with something behind them; corpus.test.ts has those that are malformed. */
import { afterEach, expect, test } from 'vitest'
import { shareGateway } from './gateway-under-test.ts'

/** Notes every call but the one that asks for the notes, which are then forgotten. `/unread` leaves its body alone. */
const NOTES = `
const notes = []
export default {
  async fetch(request) {
    const { pathname } = new URL(request.url)
    if (pathname === '/notes') return Response.json(notes.splice(0))
    const note = [request.method, pathname]
    notes.push(note)
    if (pathname !== '/unread') note.push(await request.text())
    return new Response('ok')
  },
}
`
const gateway = shareGateway({
  functions: { notes: NOTES },
  config: {
    limits: { body: '100KiB', headers: '8KiB' },
    overrides: { notes: { minWorkers: 1, maxWorkers: 1 } },
  },
})

const HOST = 'host: here\r\n'
const GET = `GET /notes/reached HTTP/1.1\r\n${HOST}`
const POST = `POST /notes/reached HTTP/1.1\r\n${HOST}`

/** What reached the function since it was asked last. */
async function notes(): Promise<string[][]> {
  return (await (await gateway().fetch('/notes/notes')).json()) as string[][]
}

function lengthOf(body: string): string {
  return `content-length: ${body.length}\r\n`
}

afterEach(async () => {
  // Whatever was sent: nobody else's call suffers.
  expect(await (await gateway().fetch('/notes/reached')).text()).toBe('ok')
  expect(await notes()).toEqual([['GET', '/reached', '']])
})

const LOUD = 'GET /notes/smuggled HTTP/1.1\r\nhost: here\r\n\r\n'

test('a body that nobody read does not become the next request of a kept-alive connection', async () => {
  const connection = await gateway().connect()
  connection.send(`POST /notes/unread HTTP/1.1\r\n${HOST}${lengthOf(LOUD)}\r\n${LOUD}${GET}connection: close\r\n\r\n`)
  expect([(await connection.response()).status, (await connection.response()).status]).toEqual([200, 200])
  expect((await notes()).map(([, path]) => path).sort()).toEqual(['/reached', '/unread'])
})

test('what follows the last request of a connection is ignored, and that one is answered', async () => {
  const answer = await gateway().raw(`${GET}connection: close\r\n\r\n${LOUD}`)
  expect(answer).toMatch(/^HTTP\/1\.1 200 .*\r\n\r\nok$/s)
  expect(await notes()).toEqual([['GET', '/reached', '']])
})

test('a refused request without a body leaves its connection to the next', async () => {
  const connection = await gateway().connect()
  connection.send(`GET /nothing HTTP/1.1\r\n${HOST}\r\n${GET}\r\n`)
  expect([(await connection.response()).status, (await connection.response()).status]).toEqual([404, 200])
  connection.close()
  expect(await notes()).toEqual([['GET', '/reached', '']])
})

test.for(['CONNECT here:80', 'TRACE /notes/reached'])('%s is 405 with what is allowed', async (line) => {
  const answer = await gateway().raw(`${line} HTTP/1.1\r\n${HOST}connection: close\r\n\r\n`)
  expect(answer).toMatch(/^HTTP\/1\.1 405 /)
  expect(answer).toMatch(/\r\nallow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, .*PROPFIND/i)
  expect(answer).toContain('"code":"method-not-allowed"')
  expect(await notes()).toEqual([])
})

test('HTTP/1.0 without a Host is served, and the connection closed', async () => {
  expect(await gateway().raw('GET /notes/reached HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1\.1 200 .*\r\n\r\nok$/s)
  expect(await notes()).toEqual([['GET', '/reached', '']])
})

test('an offered upgrade is not taken up: the request is served as it is', async () => {
  const answer = await gateway().raw(`${GET}connection: upgrade, close\r\nupgrade: websocket\r\n\r\n`)
  expect(answer).toMatch(/^HTTP\/1\.1 200 /)
  expect(await notes()).toEqual([['GET', '/reached', '']])
})

test.for([
  ['in one header', `${GET}a: ${'x'.repeat(20_000)}\r\n\r\n`],
  ['in many headers', `${GET}${'a: b\r\n'.repeat(5_000)}\r\n`],
  ['by their number', `${GET}${'a: b\r\n'.repeat(256)}\r\n`],
])('headers over the limit are 431: %s', async ([, bytes]) => {
  const answer = await gateway().raw(bytes!)
  expect(answer).toMatch(/^HTTP\/1\.1 431 /)
  expect(answer).toContain('"code":"headers-too-large","fault":"caller"')
  expect(await notes()).toEqual([])
})

test('RFC 9110, 15.5.15: a target over the limit is 414', async () => {
  const answer = await gateway().raw(`GET /notes/${'x'.repeat(20_000)} HTTP/1.1\r\n${HOST}\r\n`)
  expect(answer).toMatch(/^HTTP\/1\.1 414 /)
  expect(answer).toContain('"code":"target-too-long","fault":"caller"')
  expect(await notes()).toEqual([])
})

test('RFC 9110, 15.6.6: another major version is 505, which says what is spoken', async () => {
  const answer = await gateway().raw(`GET /notes/reached HTTP/2.0\r\n${HOST}\r\n`)
  expect(answer).toMatch(/^HTTP\/1\.1 505 HTTP Version Not Supported\r\n/)
  expect(answer).toContain('"detail":"This address speaks HTTP/1.1 and HTTP/1.0 only"')
  expect(await notes()).toEqual([])
})

test('RFC 9110, 10.2.1: what is allowed is every method that reaches functions', async () => {
  const refusal = await gateway().raw(`FROB /notes/reached HTTP/1.1\r\n${HOST}\r\n`)
  expect(refusal).toMatch(/^HTTP\/1\.1 501 /)
  const allowed = /\r\nallow: (.+?)\r\n/.exec(refusal)![1]!.split(', ')
  expect(allowed).toEqual(expect.arrayContaining(['GET', 'QUERY', 'PROPFIND', 'PURGE']))
  expect(allowed).not.toContain('TRACE')
  const connection = await gateway().connect()
  for (const method of allowed) {
    connection.send(`${method} /notes/reached HTTP/1.1\r\n${HOST}\r\n`)
    expect((await connection.response(method === 'HEAD')).status, method).toBe(200)
  }
  connection.close()
  expect((await notes()).map(([method]) => method)).toEqual(allowed)
})

test('a body that is announced as over the limit is 413 before a function hears of it', async () => {
  const body = 'x'.repeat(100 * 1024 + 1)
  const answer = await gateway().raw(`${POST}${lengthOf(body)}\r\n${body}`)
  expect(answer).toMatch(/^HTTP\/1\.1 413 /)
  expect(answer).toContain('"code":"body-too-large","fault":"caller"')
  expect(await notes()).toEqual([])
})

test('a body that is announced as over the limit is refused without 100 Continue', async () => {
  const connection = await gateway().connect()
  connection.send(`${POST}expect: 100-continue\r\ncontent-length: 200000\r\n\r\n`)
  expect((await connection.response()).status).toBe(413)
  connection.close()
})

test('a body that turns out to be over the limit is 413', async () => {
  const chunk = `2800\r\n${'x'.repeat(0x2800)}\r\n`
  const answer = await gateway().raw(`${POST}transfer-encoding: chunked\r\n\r\n${chunk.repeat(11)}0\r\n\r\n`)
  expect(answer).toMatch(/^HTTP\/1\.1 413 /)
  expect(answer).toContain('"code":"body-too-large","fault":"caller"')
  // It has heard of the call, but its body never ended.
  expect(await notes()).toEqual([['POST', '/reached']])
})

test('a body of just the limit is served', async () => {
  const body = 'x'.repeat(100 * 1024)
  expect((await gateway().fetch('/notes/reached', { method: 'POST', body })).status).toBe(200)
  expect(await notes()).toEqual([['POST', '/reached', body]])
})

test('Expect: 100-continue is met', async () => {
  const connection = await gateway().connect()
  connection.send(`${POST}expect: 100-continue\r\ncontent-length: 4\r\nconnection: close\r\n\r\n`)
  expect((await connection.response()).status).toBe(100)
  expect((await connection.send('abcd').response()).status).toBe(200)
  expect(await notes()).toEqual([['POST', '/reached', 'abcd']])
})

test('any other expectation is 417', async () => {
  const answer = await gateway().raw(`${POST}expect: 200-ok\r\ncontent-length: 4\r\n\r\nabcd`)
  expect(answer).toMatch(/^HTTP\/1\.1 417 /)
  expect(answer).toContain('"code":"expectation-failed","fault":"caller"')
  expect(await notes()).toEqual([])
})

test('HTTP/1.0 knows no expectations: none is met, and none is refused', async () => {
  for (const expectation of ['100-continue', '200-ok']) {
    const connection = await gateway().connect()
    connection.send(`POST /notes/reached HTTP/1.0\r\nexpect: ${expectation}\r\ncontent-length: 4\r\n\r\nabcd`)
    expect(await connection.rest()).toMatch(/^HTTP\/1\.1 200 .*\r\n\r\nok$/s)
  }
  expect(await notes()).toEqual([
    ['POST', '/reached', 'abcd'],
    ['POST', '/reached', 'abcd'],
  ])
})

test('a caller who waits for 100 Continue and is refused gets the refusal alone, and the end of its connection', async () => {
  const refused = {
    '/nothing': '404',
    '/notes/reached\x7f': '400',
  }
  for (const [target, status] of Object.entries(refused)) {
    const answer = await gateway().raw(
      `POST ${target} HTTP/1.1\r\n${HOST}expect: 100-continue\r\ncontent-length: 4\r\n\r\n`,
    )
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
    expect(answer).toMatch(/\r\nconnection: close\r\n/i)
    expect(answer).not.toContain(' 100 ')
  }
  expect(await notes()).toEqual([])
})

test('a body over the limit is 413, whatever comes behind that', async () => {
  const chunk = `2800\r\n${'x'.repeat(0x2800)}\r\n`
  const answer = await gateway().raw(
    `${POST}transfer-encoding: chunked\r\n\r\n${chunk.repeat(11)}no chunk\r\n${'x'.repeat(4_000_000)}`,
  )
  expect(answer).toMatch(/^HTTP\/1\.1 413 /)
  expect(answer).toContain('"code":"body-too-large","fault":"caller"')
  expect(await notes()).toEqual([['POST', '/reached']])
})
