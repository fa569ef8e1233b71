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
const SMUGGLED = `GET /notes/smuggled HTTP/1.1\r\n${HOST}connection: close\r\n\r\n`

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

const MALFORMED: Readonly<Record<string, string>> = {
  'a method with characters that none has': `G(T /notes/reached HTTP/1.1\r\n${HOST}\r\n`,
  'a method in lower case': `get /notes/reached HTTP/1.1\r\n${HOST}\r\n`,
  'a method that nobody knows': `FROB /notes/reached HTTP/1.1\r\n${HOST}\r\n`,
  'no Host': 'GET /notes/reached HTTP/1.1\r\n\r\n',
  'two Hosts': `${GET}host: there\r\n\r\n`,
  'the same Host twice': `${GET}${HOST}\r\n`,
  'an empty Host': 'GET /notes/reached HTTP/1.1\r\nhost:\r\n\r\n',
  'a Host with a space': 'GET /notes/reached HTTP/1.1\r\nhost: a b\r\n\r\n',
  'a Host with a path': 'GET /notes/reached HTTP/1.1\r\nhost: a/b\r\n\r\n',
  'a Host with credentials': 'GET /notes/reached HTTP/1.1\r\nhost: a@b\r\n\r\n',
  'a server-wide OPTIONS with two Hosts': `OPTIONS * HTTP/1.1\r\n${HOST}${HOST}\r\n`,
  'both lengths': `${POST}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
  'both lengths, the other way round': `${POST}transfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n`,
  'two different lengths': `${POST}content-length: 4\r\ncontent-length: 5\r\n\r\nabcde`,
  'the same length twice': `${POST}content-length: 4\r\ncontent-length: 4\r\n\r\nabcd`,
  'a list of lengths': `${POST}content-length: 4, 4\r\n\r\nabcd`,
  'a negative length': `${POST}content-length: -4\r\n\r\nabcd`,
  'a length with a plus': `${POST}content-length: +4\r\n\r\nabcd`,
  'a hexadecimal length': `${POST}content-length: 0x4\r\n\r\nabcd`,
  'an empty length': `${POST}content-length:\r\n\r\nabcd`,
  'a length beyond all numbers': `${POST}content-length: 99999999999999999999999\r\n\r\nabcd`,
  'a chunk size that is no number': `${POST}transfer-encoding: chunked\r\n\r\nzz\r\nabcd\r\n0\r\n\r\n`,
  'a negative chunk size': `${POST}transfer-encoding: chunked\r\n\r\n-4\r\nabcd\r\n0\r\n\r\n`,
  'a chunk size with 0x': `${POST}transfer-encoding: chunked\r\n\r\n0x4\r\nabcd\r\n0\r\n\r\n`,
  'a chunk size beyond all numbers': `${POST}transfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\nabcd\r\n`,
  'a chunk longer than its size': `${POST}transfer-encoding: chunked\r\n\r\n4\r\nabcdefgh\r\n0\r\n\r\n`,
  'chunks with bare line feeds': `${POST}transfer-encoding: chunked\r\n\r\n4\nabcd\n0\n\n`,
  'chunked twice': `${POST}transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\n`,
  'chunked twice in a list': `${POST}transfer-encoding: chunked, chunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\n`,
  'a coding that is nearly chunked': `${POST}transfer-encoding: xchunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\n`,
  'a coding after chunked': `${POST}transfer-encoding: chunked, identity\r\n\r\n4\r\nabcd\r\n0\r\n\r\n`,
  'a coding that nobody undoes': `${POST}transfer-encoding: gzip, chunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\n`,
  'a coding without chunked': `${POST}transfer-encoding: identity\r\n\r\nabcd`,
  'a vertical tab before chunked': `${POST}transfer-encoding:\vchunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\n`,
  'chunks in HTTP/1.0': `POST /notes/reached HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\n`,
  'bare line feeds': `GET /notes/reached HTTP/1.1\n${HOST}\n`,
  'one bare line feed': `${GET}a: b\nc: d\r\n\r\n`,
  'a bare carriage return': `${GET}a: b\rc: d\r\n\r\n`,
  'a folded header': `${GET}a: one\r\n two\r\n\r\n`,
  'a folded first header': `GET /notes/reached HTTP/1.1\r\n a: one\r\n${HOST}\r\n`,
  'a space before the colon': `${GET}a : b\r\n\r\n`,
  'a header without a name': `${GET}: b\r\n\r\n`,
  'a header without a colon': `${GET}a\r\n\r\n`,
  'a NUL in a header': `${GET}a: b\0c\r\n\r\n`,
  'a control character in a header': `${GET}a: b\x01c\r\n\r\n`,
  'a NUL in the target': `GET /notes/reached\0 HTTP/1.1\r\n${HOST}\r\n`,
  'a space in the target': `GET /notes/reached here HTTP/1.1\r\n${HOST}\r\n`,
  'a fragment in the target': `GET /notes/reached#here HTTP/1.1\r\n${HOST}\r\n`,
  'an asterisk where it is no target': `GET * HTTP/1.1\r\n${HOST}\r\n`,
  'a target of another scheme': `GET ftp://here/notes/reached HTTP/1.1\r\n${HOST}\r\n`,
  'HTTP/0.9': 'GET /notes/reached\r\n\r\n',
  'HTTP/1.2': `GET /notes/reached HTTP/1.2\r\n${HOST}\r\n`,
  'HTTP/2.0 in the form of 1.1': `GET /notes/reached HTTP/2.0\r\n${HOST}\r\n`,
  'the preface of HTTP/2': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  'a TLS handshake': '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
  'something else altogether': 'SSH-2.0-OpenSSH_9.9\r\n',
}

test.for(Object.entries(MALFORMED))(
  'a malformed request is 400, and no function hears of it: %s',
  async ([, bytes]) => {
    const answer = await gateway().raw(bytes)
    expect(answer).toMatch(/^HTTP\/1\.1 400 /)
    expect(answer).toMatch(/\r\ncontent-type: application\/problem\+json\r\n/i)
    expect(answer).toMatch(/\r\nconnection: close\r\n/i)
    expect(answer).toContain('"code":"malformed-request","fault":"caller"')
    // Chunks come after the head, which has been passed on by then; but never as a call that has a whole body.
    expect((await notes()).filter((note) => note.length === 3)).toEqual([])
  },
)

const LOUD = 'GET /notes/smuggled HTTP/1.1\r\nhost: here\r\n\r\n'

const SMUGGLING: Readonly<Record<string, string>> = {
  'CL.TE': `${POST}content-length: ${LOUD.length + 5}\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n${LOUD}`,
  'TE.CL': `${POST}content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n${LOUD.length.toString(16)}\r\n${LOUD}\r\n0\r\n\r\n`,
  'TE.TE': `${POST}transfer-encoding: chunked\r\ntransfer-encoding: x\r\n\r\n0\r\n\r\n${LOUD}`,
  'CL.CL': `${POST}content-length: 0\r\ncontent-length: ${LOUD.length}\r\n\r\n${LOUD}`,
  'a length behind a space and a colon': `${POST}content-length : ${LOUD.length}\r\n\r\n${LOUD}`,
  'a length behind a bare line feed': `${POST}a: b\ncontent-length: ${LOUD.length}\r\n\r\n${LOUD}`,
  'a length in a folded line': `${POST}a: b\r\n content-length: ${LOUD.length}\r\n\r\n${LOUD}`,
  'a request after a malformed one': `GET /notes/reached HTTP/1.1\r\n\r\n${SMUGGLED}`,
  'a request behind CONNECT': `CONNECT here:80 HTTP/1.1\r\n${HOST}\r\n${SMUGGLED}`,
  'a chunk extension with a bare line feed': `${POST}transfer-encoding: chunked\r\n\r\n2;\nxx\r\n0\r\n\r\n${LOUD}`,
  'the rest of a chunk that was too long': `${POST}transfer-encoding: chunked\r\n\r\n1\r\nxy\r\n0\r\n\r\n${LOUD}`,
  'the body of a request for nothing': `POST /nothing HTTP/1.1\r\n${HOST}${lengthOf(LOUD)}\r\n${LOUD}`,
  'the body of a refused method': `TRACE /notes HTTP/1.1\r\n${HOST}${lengthOf(LOUD)}\r\n${LOUD}`,
  'the body of an expectation that cannot be met': `${POST}expect: magic\r\n${lengthOf(LOUD)}\r\n${LOUD}`,
  'the body of an upgrade': `${POST}connection: upgrade, close\r\nupgrade: h2c\r\n${lengthOf(LOUD)}\r\n${LOUD}`,
  'the body of a server-wide OPTIONS': `OPTIONS * HTTP/1.1\r\n${HOST}connection: close\r\n${lengthOf(LOUD)}\r\n${LOUD}`,
  'the body of a GET': `${GET}connection: close\r\n${lengthOf(LOUD)}\r\n${LOUD}`,
  'a body that nobody reads': `POST /notes/unread HTTP/1.1\r\n${HOST}connection: close\r\n${lengthOf(LOUD)}\r\n${LOUD}`,
  'a body over the limit': `${POST}content-length: ${1024 * 1024}\r\n\r\n${LOUD.repeat(100)}`,
}

test.for(Object.entries(SMUGGLING))('a request hidden in another never reaches a function: %s', async ([, bytes]) => {
  const connection = await gateway().connect()
  connection.send(bytes)
  // Nothing more will come: whoever still waits for the rest of a body gives up.
  connection.socket.end()
  await connection.rest()
  expect((await notes()).map(([, path]) => path)).not.toContain('/smuggled')
})

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

test('a target in absolute form is served', async () => {
  const answer = await gateway().raw(`GET http://here/notes/reached HTTP/1.1\r\n${HOST}connection: close\r\n\r\n`)
  expect(answer).toMatch(/^HTTP\/1\.1 200 /)
  expect(await notes()).toEqual([['GET', '/reached', '']])
})

test('OPTIONS * is answered by the gateway itself', async () => {
  const answer = await gateway().raw(`OPTIONS * HTTP/1.1\r\n${HOST}connection: close\r\n\r\n`)
  expect(answer).toMatch(/^HTTP\/1\.1 204 /)
  expect(answer).toMatch(/\r\nallow: GET, HEAD, POST/i)
})

test.for(['CONNECT here:80', 'TRACE /notes/reached'])('%s is 405 with what is allowed', async (line) => {
  const answer = await gateway().raw(`${line} HTTP/1.1\r\n${HOST}connection: close\r\n\r\n`)
  expect(answer).toMatch(/^HTTP\/1\.1 405 /)
  expect(answer).toMatch(/\r\nallow: GET, HEAD, POST/i)
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
  ['in the target', `GET /notes/${'x'.repeat(20_000)} HTTP/1.1\r\n${HOST}\r\n`],
])('headers over the limit are 431: %s', async ([, bytes]) => {
  const answer = await gateway().raw(bytes!)
  expect(answer).toMatch(/^HTTP\/1\.1 431 /)
  expect(answer).toContain('"code":"headers-too-large","fault":"caller"')
  expect(await notes()).toEqual([])
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
