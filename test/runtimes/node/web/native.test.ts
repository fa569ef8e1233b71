import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'

const install = new URL('../../../../warmpool/runtimes/node/web/install.ts', import.meta.url).href
const request = new URL('../../../../warmpool/runtimes/node/web/request.ts', import.meta.url).href
const body = new URL('../../../../warmpool/runtimes/node/incoming-body.ts', import.meta.url).href

/** In a process of its own, as a fresh worker is: here something may have loaded Node's classes already. */
const PREAMBLE = `
const { installWebClasses } = await import(${JSON.stringify(install)})
const { LazyRequest } = await import(${JSON.stringify(request)})
const { IncomingBody } = await import(${JSON.stringify(body)})
installWebClasses()
const lines = ['id', 'POST', '/a?b', 'host', 'localhost', 'x-a', '1', 'x-a', '2']
const request = () => new LazyRequest({ lines, signal: AbortSignal.any([]) }, false, new IncomingBody(Buffer.from('{}'), false, () => {}))
const isLoaded = () => process.moduleLoadList.some((name) => name.endsWith('deps/undici/undici'))
const tell = (value) => console.log(JSON.stringify(value))
`

async function told(script: string): Promise<unknown> {
  const args = ['--no-warnings', '--input-type=module', '-e', PREAMBLE + script]
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: fileURLToPath(new URL('.', install)) })
  return JSON.parse(stdout)
}

describe('Node’s own web classes', () => {
  it.each([
    ['a text', `new Response('x', { status: 201, headers: { 'x-length': 5 } })`],
    ['JSON', 'Response.json({})'],
    ['a Response of a Response', `const first = new Response('x'); new Response(first.body, first)`],
    ['the request read', `await request().json(); request().headers.get('X-A'); request().url; request().method`],
    ['headers', `new Headers([['a', '1']]).append('b', '2'); [...request().headers]; new Headers(request().headers)`],
    ['what asks for a class', `request() instanceof Request; ({}) instanceof Response; typeof Request; typeof fetch`],
  ])('are not loaded for %s', async (_, script) => {
    expect(await told(`${script}; tell(isLoaded())`)).toBe(false)
  })

  it.each([
    ['a Request is made', `new Request('http://x/')`],
    ['a request is cloned', 'request().clone()'],
    ['something is fetched', `await fetch('data:,x')`],
    ['Headers get what is odd', `try { new Headers({ 'a b': '' }) } catch {}`],
  ])('are loaded when %s', async (_, script) => {
    expect(await told(`${script}; tell(isLoaded())`)).toBe(true)
  })

  const AGREE = `
    const fetched = await fetch('data:,x')
    tell([
      fetched instanceof Response, fetched.headers instanceof Headers, fetched.constructor === Response,
      early instanceof Response, early.headers instanceof Headers, request() instanceof Request,
      new Request('http://x/') instanceof Request, new Request(request()).headers.get('x-a') === '1, 2',
      Object.getPrototypeOf(Object.getPrototypeOf(early)) === Object.getPrototypeOf(fetched), early instanceof Request,
    ])`
  const AGREED = [true, true, true, true, true, true, true, true, true, false]

  it.each([
    ['by us', ''],
    ['by Node, for another global', 'FormData'],
    [
      'by Node, for a message port',
      `const { port1, port2 } = new MessageChannel()
       await new Promise((resolve) => { port2.onmessage = resolve; port1.postMessage(1) }); port1.close()`,
    ],
    [
      'after a package had described classes of the same names',
      `for (const name of ['Request', 'Response', 'Headers'])
         Object.defineProperties((class {}).prototype, { [Symbol.toStringTag]: { value: name } })`,
    ],
    ['although a library has put its own in the place of `defineProperties`', 'Object.defineProperties = (o) => o'],
  ])('agree with the lazy ones when they were loaded %s', async (_, script) => {
    // A library that breaks what Node's own modules need breaks them: its stand-in has to work.
    const works = script.replace(
      '(o) => o',
      '((old) => (...args) => Reflect.apply(old, Object, args))(Object.defineProperties)',
    )
    expect(await told(`const early = new Response('x')\n${works}\n${AGREE}`)).toEqual(AGREED)
  })

  it('leave nothing behind in `Object` once they are loaded', async () => {
    const script = `const { prepareStackTrace } = Error; const during = Object.defineProperties; await fetch('data:,x')
      tell([during === Object.defineProperties, String(Object.defineProperties), Error.prepareStackTrace === prepareStackTrace])`
    expect(await told(script)).toEqual([false, 'function defineProperties() { [native code] }', true])
  })

  it('are not needed to show all members that they show', async () => {
    const names = await told(`
      const shown = (object) => { const names = []; for (const name in object) names.push(name); return names }
      const all = () => [request(), new Response('x'), new Headers()].map(shown)
      const before = all()
      const nodes = await fetch('data:,x').then((response) => [new Request('http://x/'), response, response.headers].map(shown))
      tell({ missing: nodes.map((names, at) => names.filter((name) => !before[at].includes(name))), isTag: String(request()) })
    `)
    // Younger than this runtime; they are there once something has loaded the native class.
    const young = ['textStream', 'attribute']
    const { missing, isTag } = names as { missing: string[][]; isTag: string }
    expect(missing.flat().filter((name) => !young.includes(name))).toEqual([])
    expect(isTag).toBe('[object Request]')
  })

  it('take lazy responses for WebAssembly', async () => {
    const script = `
      const module = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0])
      const response = new Response(module, { headers: { 'content-type': 'application/wasm' } })
      tell(String(await WebAssembly.compileStreaming(response)))`
    expect(await told(script)).toBe('[object WebAssembly.Module]')
  })
})
