/** Calls of one worker stay apart: what one stores in its async context, and what one forgets to handle. */
import { describe, expect, test } from 'vitest'
import { CalledFunction } from './formats/called.ts'

const STORE = `
import { AsyncLocalStorage } from 'node:async_hooks'
const store = new AsyncLocalStorage()
const seen = () => {
  const before = store.getStore() ?? 'nothing'
  store.enterWith('of another call')
  return before
}
`
/** Each stores something in its context before it waits for anything, and says what it found there. */
const FORMATS: Record<string, readonly [text: string, format: string | null]> = {
  fetch: [`${STORE}export default { fetch: () => new Response(seen()) }`, null],
  methods: [`${STORE}export const GET = () => new Response(seen())`, null],
  node: [`${STORE}export default (req, res) => res.end(seen())`, 'node'],
  vercel: [`${STORE}export default (req, res) => res.send(seen())`, 'vercel'],
  gcf: [`${STORE}export const called = (req, res) => res.send(seen())`, 'gcf'],
  lambda: [`${STORE}export const handler = async () => seen()`, 'lambda'],
  netlify: [`${STORE}export default async () => new Response(seen())`, 'netlify'],
  openfaas: [`${STORE}export default async (event, context) => context.succeed(seen())`, 'openfaas'],
}

describe('what a handler stores in its async context is its own', () => {
  test.each(Object.keys(FORMATS))('%s', async (name) => {
    const [text, format] = FORMATS[name]!
    const called = CalledFunction.of({ 'index.mjs': text }, { format, handler: format === 'gcf' ? 'called' : null })
    // Loaded: from now on what is sent at once comes in one read.
    await called.call()
    const answers = await Promise.all(Array.from({ length: 20 }, () => called.call()))
    expect(answers.map(({ body, failure }) => failure?.message ?? body.toString())).toEqual(
      Array.from({ length: 20 }, () => expect.stringContaining('nothing')),
    )
  })
})

const FORGETFUL = `
import { AsyncLocalStorage } from 'node:async_hooks'
const waiting = []
export default {
  async fetch(request) {
    const { pathname } = new URL(request.url)
    if (pathname === '/neighbour') {
      await new Promise((resolve) => waiting.push(resolve))
      return new Response('answered')
    }
    const go = () => waiting.splice(0).forEach((resolve) => resolve())
    if (pathname === '/timer') setTimeout(() => { setImmediate(go); throw new Error('in a timer') })
    else {
      setImmediate(() => setImmediate(go))
      void Promise.reject(new Error('forgotten'))
    }
    return new Promise(() => {})
  },
}`

describe('an error that nothing handles', () => {
  test.each([
    ['/rejection', 'forgotten'],
    ['/timer', 'in a timer'],
  ])('%s: fails its own call alone, is told with it, and its worker is replaced', async (url, message) => {
    const called = CalledFunction.of({ 'index.mjs': FORGETFUL })
    const death = new Promise<string>((resolve) => called.pool.on('death', ({ reason }) => resolve(reason)))
    const neighbours = Array.from({ length: 10 }, () => called.call({ url: '/neighbour' }))
    const { failure } = await called.call({ url })
    expect(failure).toMatchObject({ code: 'handler-threw', message })
    for (const neighbour of neighbours) expect((await neighbour).body.toString()).toBe('answered')
    expect(await death).toBe('unhandled-error')
    expect(called.log.join('\n')).toMatch(new RegExp(`an error of invocation [\\w-]+;[^]*Error: ${message}`))
  })

  test('fails its own call also where it cannot be printed', async () => {
    const text = `export default {
      fetch() {
        console.error = () => { throw new Error('no console') }
        void Promise.reject(new Error('forgotten'))
        return new Promise(() => {})
      },
    }`
    const called = CalledFunction.of({ 'index.mjs': text })
    expect((await called.call()).failure).toMatchObject({ code: 'handler-threw', message: 'forgotten' })
  })

  test('of a call that has ended fails no other', async () => {
    const text = `export default {
      async fetch() {
        setImmediate(() => setImmediate(() => { throw new Error('late') }))
        return new Response('answered')
      },
    }`
    const called = CalledFunction.of({ 'index.mjs': text })
    const death = new Promise<string>((resolve) => called.pool.on('death', ({ reason }) => resolve(reason)))
    expect((await called.call()).body.toString()).toBe('answered')
    expect(await death).toBe('unhandled-error')
    expect((await called.call()).body.toString()).toBe('answered')
  })

  test('ends the process where the platform of the format does so', async () => {
    const text = `export default (req, res) => { void Promise.reject(new Error('forgotten')) }`
    const called = CalledFunction.of({ 'index.mjs': text }, { format: 'node' })
    expect((await called.call()).failure).toMatchObject({ code: 'worker-died' })
  })

  test('is the own business of a function that listens for it', async () => {
    const text = `let heard = 'nothing'
    process.on('unhandledRejection', (error) => { heard = error.message })
    export default { async fetch() { void Promise.reject(new Error('kept')); await new Promise(setImmediate); return new Response(heard) } }`
    const called = CalledFunction.of({ 'index.mjs': text })
    expect((await called.call()).body.toString()).toBe('kept')
    expect((await called.call()).body.toString()).toBe('kept')
  })
})
