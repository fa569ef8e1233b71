/** Lambda bootstraps in a real worker: a shell script with curl, a compiled one, and one that answers by the event. */
import { execFileSync, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { programOf, SlowCall } from './programs.ts'

/** As in Lambda's own documents ("Building a custom runtime"), but for the handler, which is here in the same file. */
const SHELL = `#!/bin/sh
set -eu
while true; do
  HEADERS="$(mktemp)"
  EVENT_DATA=$(curl -sS -LD "$HEADERS" "http://\${AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/invocation/next")
  REQUEST_ID=$(grep -Fi Lambda-Runtime-Aws-Request-Id "$HEADERS" | tr -d '[:space:]' | cut -d: -f2)
  rm "$HEADERS"
  RESPONSE="Echoing request: '$EVENT_DATA'"
  curl -sS -X POST "http://\${AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/invocation/$REQUEST_ID/response" -d "$RESPONSE"
done
`

const COMPILED = `
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static char in[65536];
static int ask(const char *request) {
  char host[64]; int port;
  sscanf(getenv("AWS_LAMBDA_RUNTIME_API"), "%63[^:]:%d", host, &port);
  struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };
  inet_pton(AF_INET, host, &to.sin_addr);
  int s = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(s, (struct sockaddr *)&to, sizeof to) != 0) return 1;
  write(s, request, strlen(request));
  size_t have = 0; ssize_t got;
  while ((got = read(s, in + have, sizeof in - 1 - have)) > 0) have += got;
  in[have] = 0;
  close(s);
  return 0;
}
int main(void) {
  for (;;) {
    if (ask("GET /2018-06-01/runtime/invocation/next HTTP/1.0\\r\\n\\r\\n")) return 1;
    char id[128] = "", out[512];
    char *at = strcasestr(in, "lambda-runtime-aws-request-id:");
    sscanf(at + 30, " %127s", id);
    const char *body = "{\\"statusCode\\":203,\\"body\\":\\"compiled\\"}";
    snprintf(out, sizeof out, "POST /2018-06-01/runtime/invocation/%s/response HTTP/1.0\\r\\ncontent-length: %zu\\r\\n\\r\\n%s", id, strlen(body), body);
    if (ask(out)) return 1;
  }
}
`

/** Does with an invocation what the path says. */
const NODE = `#!/usr/bin/env node
import { request } from 'node:http'
const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(':')
const PRELUDE = 'application/vnd.awslambda.http-integration-response'
const ask = (method, path, headers, send) =>
  new Promise((resolve, reject) => {
    const asked = request({ host, port, method, path: '/2018-06-01/runtime/' + path, headers }, async (response) => {
      const parts = []
      for await (const part of response) parts.push(part)
      resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(parts).toString() })
    })
    asked.on('error', reject)
    send?.(asked)
    asked.end()
  })
for (;;) {
  const { headers, body } = await ask('GET', 'invocation/next')
  const event = JSON.parse(body)
  const to = 'invocation/' + headers['lambda-runtime-aws-request-id'] + '/'
  const respond = (value) => ask('POST', to + 'response', {}, (out) => out.write(JSON.stringify(value)))
  const stream = (type, send, more = {}) =>
    ask('POST', to + 'response', { 'lambda-runtime-function-response-mode': 'streaming', 'content-type': type, ...more }, send)
  switch (event.rawPath) {
    case '/event': await respond({ event, headers, left: headers['lambda-runtime-deadline-ms'] - Date.now(), env: process.env })
      break
    case '/answer':
      await respond({ statusCode: 201, headers: { 'X-A': 'b' }, cookies: ['a=1', 'b=2'], body: 'aGk=', isBase64Encoded: true })
      break
    case '/error': {
      const error = { errorType: 'Bad.Luck', errorMessage: 'it rained', stackTrace: ['  at here'] }
      await ask('POST', to + 'error', { 'lambda-runtime-function-error-type': 'x' }, (out) => out.write(JSON.stringify(error)))
      break
    }
    case '/other': {
      const other = await ask('POST', 'invocation/other/response', {}, (out) => out.write('1'))
      await respond({ other })
      break
    }
    case '/silent': break
    case '/large':
      await ask('POST', to + 'response', {}, (out) => out.write('x'.repeat(7_000_000)))
      break
    case '/stream':
      await stream(PRELUDE, (out) => {
        out.write('{"statusCode":202,"headers":{"x-a":"b"},"cookies":["c=1"]}' + '\\0'.repeat(8) + 'one ')
        out.write('two')
      })
      break
    case '/plain-stream': await stream('text/x', (out) => out.write('plain'))
      break
    case '/broken-stream':
      await stream('text/x', (out) => {
        out.write('begun')
        const body = Buffer.from('{"errorType":"Late","errorMessage":"too late"}').toString('base64')
        out.addTrailers({ 'lambda-runtime-function-error-type': 'Late', 'lambda-runtime-function-error-body': body })
      }, { trailer: 'Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body' })
      break
    case '/exit': process.exit(5)
  }
}
`
const nodeBootstrap = () => programOf('bootstrap', { bootstrap: NODE, 'package.json': '{"type":"module"}' }, null)

describe('a bootstrap', () => {
  test('in shell with curl, as in the documents, answers call after call', async () => {
    const program = programOf('bootstrap', { bootstrap: SHELL }, null)
    for (const name of ['one', 'two']) {
      const { status, body, fields } = await program.call({ url: `/${name}` })
      expect(status).toBe(200)
      expect(fields).toEqual([['content-type', 'text/plain; charset=utf-8']])
      expect(body.toString()).toMatch(/^Echoing request: '{"version":"2.0"/)
      expect(body.toString()).toContain(`"rawPath":"/${name}"`)
    }
  })

  const hasCompiler = spawnSync('cc', ['--version']).status === 0
  test.skipIf(!hasCompiler)('that is compiled answers, too', async () => {
    const program = programOf('bootstrap', { 'main.c': COMPILED }, null)
    execFileSync('cc', ['-D_GNU_SOURCE', '-o', join(program.folder, 'bootstrap'), join(program.folder, 'main.c')])
    for (let count = 0; count < 3; count++) {
      const { status, body } = await program.call()
      expect([status, body.toString()]).toEqual([203, 'compiled'])
    }
  })

  test('gets the event, the headers and the environment of Lambda', async () => {
    const program = nodeBootstrap()
    const asked = {
      method: 'POST',
      url: '/event?a=1',
      headers: { 'content-type': 'text/plain', cookie: 'c=1' },
      body: 'hi',
    }
    const { event, headers, left, env } = JSON.parse(await program.text(asked))
    expect(event).toMatchObject({ rawPath: '/event', queryStringParameters: { a: '1' }, cookies: ['c=1'], body: 'hi' })
    expect(headers['lambda-runtime-aws-request-id']).toBe(event.requestContext.requestId)
    expect(headers['lambda-runtime-invoked-function-arn']).toMatch(/^arn:aws:lambda:us-east-1:\d+:function:called$/)
    expect(headers['lambda-runtime-trace-id']).toMatch(/^Root=1-/)
    expect(left).toBeGreaterThan(20_000)
    expect(left).toBeLessThanOrEqual(30_000)
    expect(env).toMatchObject({ AWS_LAMBDA_FUNCTION_NAME: 'called', LAMBDA_TASK_ROOT: program.folder, TZ: 'UTC' })
  })

  test('answers with status, headers, cookies and bytes, reports errors, and serves on', async () => {
    const program = nodeBootstrap()
    const answer = await program.call({ url: '/answer' })
    expect([answer.status, answer.body.toString()]).toEqual([201, 'hi'])
    expect(answer.fields).toEqual(
      expect.arrayContaining([
        ['x-a', 'b'],
        ['set-cookie', 'a=1'],
        ['set-cookie', 'b=2'],
      ]),
    )
    const { failure } = await program.call({ url: '/error' })
    expect(failure).toMatchObject({ code: 'handler-threw' })
    expect(failure!.details.report).toMatchObject({
      name: 'Bad.Luck',
      message: 'it rained',
      stack: 'Bad.Luck: it rained\n  at here',
    })
    expect(JSON.parse(await program.text({ url: '/other' })).other).toMatchObject({ status: 400 })
    const silent = await program.call({ url: '/silent' })
    expect(silent.failure!.details.report!.message).toContain('asked for the next invocation without answering')
    const large = await program.call({ url: '/large' })
    expect(large.failure!.details.report!.message).toContain('longer than 6291456 bytes')
    expect((await program.call({ url: '/answer' })).status).toBe(201)
  })

  test('streams, with and without a prelude, and may fail late', async () => {
    const program = nodeBootstrap()
    const call = new SlowCall(['GET', '/stream'], false)
    program.pool.invoke('called', call)
    const { status, head } = await call.answered.promise
    expect([status, head]).toEqual([202, expect.stringContaining('x-a\nb')])
    expect(head).toContain('set-cookie\nc=1')
    expect(await call.ended.promise).toBe(null)
    expect(call.text()).toBe('one two')
    const plain = await program.call({ url: '/plain-stream' })
    expect([plain.body.toString(), plain.fields]).toEqual(['plain', [['content-type', 'text/x']]])
    const { failure } = await program.call({ url: '/broken-stream' })
    expect(failure).toMatchObject({ code: 'response-aborted' })
    expect(failure!.details.report).toMatchObject({ name: 'Late', message: 'too late' })
  })

  test('that exits ends its worker', async () => {
    const program = nodeBootstrap()
    const { failure } = await program.call({ url: '/exit' })
    expect(failure!.message).toContain('exit code 5')
    expect((await program.call({ url: '/answer' })).status).toBe(201)
  })
})

describe('a bootstrap that cannot be loaded says why', () => {
  const messageOf = async (bootstrap: string) => {
    const settings = { bootTimeoutMs: 2_000 }
    const { failure } = await programOf('bootstrap', { bootstrap }, null, settings).call()
    expect(failure).toMatchObject({ code: 'init-failed' })
    return failure!.message
  }

  test('it exits', async () => {
    const message = await messageOf('#!/bin/sh\necho no luck >&2; exit 7')
    expect(message).toMatch(/"\.\/bootstrap" ended with exit code 7 before it could ask for an invocation/)
    expect(message).toContain('no luck')
  })

  test('it never asks', async () => {
    expect(await messageOf('#!/bin/sh\nexec sleep 60')).toContain('within 1.6 s it did not ask for an invocation')
  })

  test('it reports an init error', async () => {
    const body = '{"errorType":"Init.Bad","errorMessage":"no config"}'
    const script = `#!/bin/sh\ncurl -sS -X POST http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/init/error -d '${body}'; exit 1`
    expect(await messageOf(script)).toContain('reported an init error, Init.Bad: no config')
  })

  test('it is not executable', async () => {
    expect(await messageOf('echo')).toContain('chmod +x ./bootstrap')
  })
})
