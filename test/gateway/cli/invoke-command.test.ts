import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { deadUrl, finished, runCli, serveHttp, startCli } from './run-cli.ts'

/** Answers with what it was asked, as JSON. */
async function mirror(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method, url, headers } = request
  response.end(JSON.stringify({ method, url, headers, body: await text(request) }))
}

async function invokeMirror(args: readonly string[], input?: Buffer) {
  await using server = await serveHttp(mirror)
  const { stdout, code } = await runCli(['invoke', '--url', server.url, ...args], {}, input)
  expect(code).toBe(0)
  return JSON.parse(stdout.toString()) as { method: string; url: string; headers: Record<string, string>; body: string }
}

describe('what invoke sends', () => {
  it('is GET to the default mount, and does not wait for a stdin that never ends', async () => {
    expect(await invokeMirror(['hello'])).toMatchObject({ method: 'GET', url: '/hello', body: '' })
  })

  it('is POST with a body, whose type is JSON when it reads as JSON', async () => {
    const json = await invokeMirror(['hello', '{"a":1}'])
    expect(json).toMatchObject({ method: 'POST', body: '{"a":1}' })
    expect(json.headers).toMatchObject({ 'content-type': 'application/json', 'content-length': '7' })
    const words = await invokeMirror(['hello', '--data', 'grüße'])
    expect(words.body).toBe('grüße')
    expect(words.headers).toMatchObject({ 'content-type': 'text/plain;charset=utf-8', 'content-length': '7' })
  })

  it('goes to the path and query below the function', async () => {
    expect((await invokeMirror(['hello', '--path', '/users/7?full=1&q=a b'])).url).toBe('/hello/users/7?full=1&q=a%20b')
    expect((await invokeMirror(['hello', '--path', '?x=1'])).url).toBe('/hello?x=1')
    expect((await invokeMirror(['hello', '--path', 'users'])).url).toBe('/hello/users')
  })

  it('has the headers that were given, several of a name, instead of its own', async () => {
    const { headers } = await invokeMirror(['a', '1', '-H', 'x-a: 1', '-H', 'X-A: 2', '-H', 'Content-Type:text/css'])
    expect(headers).toMatchObject({ 'x-a': '1, 2', 'content-type': 'text/css' })
  })

  it('is stdin for a body of "-", with a framing whatever the method', async () => {
    const posted = await invokeMirror(['hello', '-'], Buffer.from('from a pipe'))
    expect(posted).toMatchObject({ method: 'POST', body: 'from a pipe' })
    expect(posted.headers['transfer-encoding']).toBe('chunked')
    expect(await invokeMirror(['hello', '-X', 'get', '-d', '-'], Buffer.from('x'))).toMatchObject({
      method: 'GET',
      body: 'x',
    })
  })

  it('takes the address from WRANGLER_FREE_URL, with a path in front if it has one', async () => {
    await using server = await serveHttp(mirror)
    const { stdout } = await runCli(['invoke', 'hello'], { WRANGLER_FREE_URL: `${server.url}/apps/` })
    expect(JSON.parse(stdout.toString()).url).toBe('/apps/hello')
  })
})

describe('what invoke prints', () => {
  it('is the body on stdout, byte for byte, from --file through the function and back', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'invoke-'))
    const bytes = randomBytes(3_000_000)
    await writeFile(join(folder, 'noise'), bytes)
    await using server = await serveHttp((request, response) => {
      response.setHeader('x-length', request.headers['content-length'] ?? 'none')
      request.pipe(response)
    })
    const { stdout, stderr } = await runCli([
      'invoke',
      'echo',
      '--url',
      server.url,
      '--file',
      join(folder, 'noise'),
      '-i',
    ])
    expect(stdout.equals(bytes)).toBe(true)
    expect(stderr).toContain('x-length: 3000000\n')
    await rm(folder, { recursive: true })
  })

  it('is status and timing on stderr, with what Server-Timing says', async () => {
    await using server = await serveHttp((_, response) => {
      response.setHeader('server-timing', 'queue;dur=0.04, start;desc="warm", run;dur=2.1')
      response.end('hi')
    })
    const { stdout, stderr } = await runCli(['invoke', 'hello', '--url', server.url])
    expect(stdout.toString()).toBe('hi')
    expect(stderr).toMatch(/^200 OK {2}[\d.]+ ms {2}\(queue 0\.0, warm, run 2\.1\)\n$/)
  })

  it('comes as the function sends it and not at the end', async () => {
    const { promise: rest, resolve: sendRest } = Promise.withResolvers<void>()
    await using server = await serveHttp(async (_, response) => {
      response.write('first')
      await rest
      response.end(' second')
    })
    const child = startCli(['invoke', 'slow', '--url', server.url])
    const [first] = await once(child.stdout, 'data')
    expect(String(first)).toBe('first')
    sendRest()
    expect(await finished(child)).toMatchObject({ code: 0, stdout: Buffer.from(' second') })
  })
})

describe('how invoke ends', () => {
  it('is 22 for an HTTP error, whose body is printed all the same', async () => {
    await using server = await serveHttp((_, response) => response.writeHead(502).end('{"code":"worker-died"}'))
    const { code, stdout, stderr } = await runCli(['invoke', 'bad', '--url', server.url])
    expect([code, stdout.toString()]).toEqual([22, '{"code":"worker-died"}'])
    expect(stderr).toMatch(/^502 Bad Gateway {2}/)
  })

  it('is 0 for a redirect, which is not followed', async () => {
    await using server = await serveHttp((_, response) => response.writeHead(302, { location: '/x' }).end())
    expect(await runCli(['invoke', 'moved', '--url', server.url])).toMatchObject({ code: 0 })
  })

  it('is 22 for a refusal that comes while most of stdin is still to be sent', async () => {
    await using server = await serveHttp(({ socket }) => {
      socket.write('HTTP/1.1 413 Content Too Large\r\ncontent-length: 9\r\n\r\ntoo large')
    })
    const child = startCli(['invoke', 'small', '-', '--url', server.url])
    child.stdin.write(Buffer.alloc(16_000_000))
    const { code, stdout } = await finished(child)
    expect([code, stdout.toString()]).toEqual([22, 'too large'])
  })

  it('is 69 when nothing answers', async () => {
    const url = await deadUrl()
    const { code, stderr } = await runCli(['invoke', 'hello', '--url', url])
    expect(code).toBe(69)
    expect(stderr).toBe(
      `error: Nothing answers at ${url}: the connection is refused. Is \`wrangler-free serve\` running?\n`,
    )
  })

  it('is 69 when the connection is cut before an answer', async () => {
    await using server = await serveHttp((request) => request.socket.destroy())
    const { code, stderr } = await runCli(['invoke', 'hello', '--url', server.url])
    expect(code).toBe(69)
    expect(stderr).toContain('the connection was cut')
  })

  it('is 74 when the answer breaks off', async () => {
    await using server = await serveHttp((_, response) => {
      response.writeHead(200, { 'content-length': 10 })
      response.write('half', () => response.destroy())
    })
    const { code, stdout, stderr } = await runCli(['invoke', 'hello', '--url', server.url])
    expect([code, stdout.toString()]).toEqual([74, 'half'])
    expect(stderr).toContain('error: The answer broke off')
  })

  it('is quiet when the reader of stdout stops reading', async () => {
    await using server = await serveHttp((_, response) => {
      const more = () => {
        while (response.write(Buffer.alloc(65_536)));
      }
      response.on('drain', more)
      more()
    })
    const child = startCli(['invoke', 'endless', '--url', server.url])
    const stderr = text(child.stderr)
    child.stdout.once('data', () => child.stdout.destroy())
    const [code] = await once(child, 'exit')
    expect(code).toBe(0)
    expect(await stderr).toMatch(/^200 OK {2}[\d.]+ ms\n$/)
  })

  it.each([
    ['a body given twice', ['hello', 'a', '-d', 'b'], 'more than once'],
    ['a header without a colon', ['hello', '-H', 'nonsense'], '"name: value"'],
    ['a path in the name', ['hello/you?x=1'], "wrangler-free invoke hello --path '/you?x=1'"],
    ['an address that is none', ['hello', '--url', 'localhost:8787'], '--url must be a URL'],
    ['a file that is not there', ['hello', '--file', '/nowhere/at/all'], 'cannot be read'],
    ['a folder as the file', ['hello', '--file', '/'], 'it is a folder'],
    ['a method that is none', ['hello', '-X', 'A B'], 'cannot be sent'],
    ['no name', [], "missing required argument 'name'"],
  ])('is 2 for %s, which it explains', async (_, args, explanation) => {
    const { code, stderr } = await runCli(['invoke', ...args])
    expect(stderr).toContain(explanation)
    expect(stderr).not.toContain('    at ')
    expect(code).toBe(2)
  })
})
