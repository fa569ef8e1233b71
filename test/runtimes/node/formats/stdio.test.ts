/** Programs that answer a line of JSON with a line of JSON, in a real worker. */
import { describe, expect, test } from 'vitest'
import { programOf } from './programs.ts'

const JSON_BODY = { 'content-type': 'application/json' }
const post = (body: string, headers: Record<string, string> = JSON_BODY) => ({
  method: 'POST',
  url: '/',
  headers,
  body,
})

/** Counts, so that a test sees that one process answers them all. */
const PYTHON = `
import json, sys
print('ready', file=sys.stderr)
for count, line in enumerate(sys.stdin, 1):
    print(json.dumps({'count': count, 'input': json.loads(line)}), flush=True)
`
const python = () => programOf('stdio', { 'main.py': PYTHON }, ['python3', 'main.py'])

/** Answers every line with what is in the file \`answer\`. */
const shell = (answer: string, then = '') => {
  const loop = `while read -r line; do cat answer${then === '' ? '' : `; ${then}`}; done`
  return programOf('stdio', { 'main.sh': loop, answer }, ['sh', 'main.sh'])
}

describe('a program of lines', () => {
  test('gets a JSON body as a line, and its line is the JSON answer', async () => {
    const program = python()
    const first = await program.call(post('{\n  "a": [1, "x\\ny"]\n}\n'))
    expect(first.fields).toEqual([['content-type', 'application/json']])
    expect(JSON.parse(first.body.toString())).toEqual({ count: 1, input: { a: [1, 'x\ny'] } })
    const second = await program.text(post('2', { 'content-type': 'application/vnd.x+json; charset=utf-8' }))
    expect(JSON.parse(second)).toEqual({ count: 2, input: 2 })
    await program.logged('ready')
  })

  test('does not change numbers that JavaScript cannot hold', async () => {
    const echo = programOf('stdio', {}, ['cat'])
    expect(await echo.text(post('[12345678901234567890, 1.0]'))).toBe('[12345678901234567890, 1.0]')
  })

  test('gets a description of any other request', async () => {
    const program = python()
    const headers = { 'x-a': '1', 'content-type': 'text/plain' }
    const { input } = JSON.parse(await program.text({ method: 'PUT', url: '/a/b?x=1&x=2&y=%20', headers, body: 'é' }))
    expect(input).toEqual({
      method: 'PUT',
      path: '/a/b',
      query: { x: '1,2', y: ' ' },
      headers: { host: 'localhost:8787', ...headers },
      body: 'é',
      isBase64Encoded: false,
    })
    const bytes = JSON.parse(await program.text({ method: 'POST', body: Buffer.from([255, 0]) }))
    expect(bytes.input).toMatchObject({ body: '/wA=', isBase64Encoded: true })
    expect(JSON.parse(await program.text()).input).toMatchObject({ method: 'GET', body: null })
  })

  test('has one call at a time', async () => {
    const program = python()
    const answers = await Promise.all([1, 2, 3, 4, 5].map((n) => program.text(post(String(n)))))
    expect(answers.map((answer) => JSON.parse(answer))).toEqual([1, 2, 3, 4, 5].map((n) => ({ count: n, input: n })))
  })

  test('may answer with long lines, and answers HEAD with none', async () => {
    const echo = programOf('stdio', {}, ['cat'])
    const long = JSON.stringify('x'.repeat(1_000_000))
    expect(await echo.text(post(long))).toBe(long)
    expect((await echo.call({ method: 'HEAD' })).body).toHaveLength(0)
  })

  test('never sees a body that says it is JSON and is not', async () => {
    const program = python()
    const { status, body } = await program.call(post('{"a":'))
    expect([status, JSON.parse(body.toString()).error]).toEqual([400, expect.stringContaining('not JSON')])
    expect(JSON.parse(await program.text(post('1')))).toMatchObject({ count: 1 })
  })
})

describe('what breaks the turns ends the worker', () => {
  test('a line that is not JSON', async () => {
    const program = shell('Hello there\n')
    const death = program.death()
    const { failure } = await program.call()
    expect(failure).toMatchObject({ code: 'not-a-response' })
    expect(failure!.details.report!.message).toContain('a line that is not JSON: "Hello there"')
    expect(await death).toMatchObject({ reason: 'crash' })
  })

  test('a second line', async () => {
    const program = shell('1\n2\n')
    const death = program.death()
    expect(await program.text()).toBe('1')
    await program.logged('wrote what nobody asked for to stdout: "2"')
    await death
    expect(await program.text()).toBe('1')
  })

  test('a line that never ends', async () => {
    const program = programOf('stdio', { 'main.sh': 'read -r line; cat /dev/zero' }, ['sh', 'main.sh'])
    const { failure } = await program.call()
    expect(failure!.details.report!.message).toContain('a line of more than 16777216 bytes')
  })

  test('an end in the middle of a line', async () => {
    const program = shell('{"a":', 'exit 0')
    const { failure } = await program.call()
    expect(failure!.details.report!.message).toContain('in the middle of a line')
  })

  test('an exit in place of an answer', async () => {
    const program = programOf('stdio', { 'main.sh': 'read -r line; exit 4' }, ['sh', 'main.sh'])
    const { failure } = await program.call()
    expect(failure).toMatchObject({ code: 'worker-died' })
    expect(failure!.message).toContain('exit code 4')
  })
})

describe('a program of lines that cannot be loaded says why', () => {
  const messageOf = async (files: Record<string, string>, command: string[] | null) =>
    (await programOf('stdio', files, command).call()).failure!.message

  test('it fails at once', async () => {
    const message = await messageOf({ 'main.py': 'import nothing_like_that' }, ['python3', 'main.py'])
    expect(message).toContain('ended with exit code 1 before it could read its stdin')
    expect(message).toContain('ModuleNotFoundError')
  })

  test('it fails after it has computed for a while', async () => {
    const source = 'import time\nwhile time.process_time() < 0.6: pass\nimport nothing_like_that'
    const message = await messageOf({ 'main.py': source }, ['python3', 'main.py'])
    expect(message).toContain('ended with exit code 1 before it could read its stdin')
  })

  test('it ends without having read anything', async () => {
    expect(await messageOf({}, ['true'])).toContain('ended with exit code 0 before it could read its stdin')
  })

  test('it is not there', async () => {
    expect(await messageOf({}, ['./main'])).toContain("does not exist in the function's folder")
  })
})
