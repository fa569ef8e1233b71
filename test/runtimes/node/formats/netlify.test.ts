/** Netlify's functions, from its documentation's examples, with the helpers of the real @netlify/functions. */
import { afterAll, describe, expect, test } from 'vitest'
import { stopBuilding } from '../../../../gateway/functions/build.ts'
import { builtFunction } from './built.ts'
import { CalledFunction } from './called.ts'

afterAll(stopBuilding)

const CITY = `import type { Config, Context } from '@netlify/functions'
  export default async (req: Request, context: Context) => {
    const { city, country } = context.params
    return new Response(\`You're visiting \${city} in \${country}!\`)
  }
  export const config: Config = { path: '/travel-guide/:city/:country' }`

describe('config', () => {
  test('path: its parts are params, other paths are not the function', async () => {
    const called = await builtFunction('guide', { 'guide.ts': CITY })
    expect(await called.text({ url: '/travel-guide/paris/france?q=1' })).toBe("You're visiting paris in france!")
    expect(await called.text({ url: '/travel-guide/S%C3%A3o.P/br/' })).toBe("You're visiting S%C3%A3o.P in br!")
    expect((await called.call({ url: '/travel-guide/paris' })).status).toBe(404)
  })

  test('many paths, wildcards, optional parts, expressions and excluded paths', async () => {
    const text = `export default (req, context) => Response.json(context.params)
      export const config = {
        path: ['/files/*', '/product/:sku/:size?', '/n/:id(\\\\d+)', '/exact.js'],
        excludedPath: ['/files/*.css'],
      }`
    const called = CalledFunction.of({ 'index.mjs': text })
    const at = async (url: string) => {
      const { status, body } = await called.call({ url })
      return status === 200 ? JSON.parse(body.toString()) : status
    }
    expect(await at('/files/a/b.js')).toEqual({ 0: 'a/b.js' })
    expect(await at('/files/a/b.css')).toBe(404)
    expect(await at('/product/1')).toEqual({ sku: '1' })
    expect(await at('/product/1/xl')).toEqual({ sku: '1', size: 'xl' })
    expect(await at('/n/12')).toEqual({ id: '12' })
    expect(await at('/n/x')).toBe(404)
    expect([await at('/exact.js'), await at('/exactxjs'), await at('/')]).toEqual([{}, 404, 404])
  })

  test('method: others are 405, HEAD comes with GET', async () => {
    const text = `export default (req) => new Response(req.method)
      export const config = { method: ['GET', 'POST'] }`
    const called = CalledFunction.of({ 'index.mjs': text })
    expect(await called.text({ method: 'POST' })).toBe('POST')
    expect((await called.call({ method: 'HEAD' })).status).toBe(200)
    const { status, fields } = await called.call({ method: 'PUT' })
    expect([status, fields]).toEqual([405, [['allow', 'GET, POST']]])
  })

  test('a path that is none is told to the author', async () => {
    const text = "export default () => new Response('')\nexport const config = { path: 'users' }"
    const { failure } = await CalledFunction.of({ 'index.mjs': text }).call()
    expect(failure!.message).toContain('config.path has "users", which is no path: write it as "/users/:id"')
  })

  test('an object with fetch and config is one as well, and keeps its `this`', async () => {
    const text = `export default {
      word: 'mine',
      fetch(req, context) { return new Response(this.word + context.params.id) },
      config: { path: '/x/:id' },
      deploySucceeded() { throw new Error('not called') },
    }`
    expect(await CalledFunction.of({ 'index.mjs': text }).text({ url: '/x/1' })).toBe('mine1')
  })
})

describe('context', () => {
  const stated = (text: string, env = {}) => CalledFunction.of({ 'index.mjs': text }, { format: 'netlify', env })

  test('says who calls, and is shaped as on Netlify', async () => {
    const text = `export default async (req, context) => {
      const { account, deploy, geo, ip, requestId, server, site, url } = context
      const told = { account, deploy, country: geo.country.name, city: geo.city, ip, requestId, server, site }
      return context.json({ ...told, path: url.pathname })
    }`
    const called = stated(text, { SITE_ID: 's1', SITE_NAME: 'mine', URL: 'https://example.com' })
    const answer = await called.call({ url: '/p', headers: { 'x-forwarded-for': '192.0.2.1, 10.0.0.1' } })
    expect(answer.fields).toEqual([['content-type', 'application/json']])
    expect(JSON.parse(answer.body.toString())).toEqual({
      account: { id: '' },
      deploy: { context: 'production', id: '0', published: true },
      ip: '192.0.2.1',
      path: '/p',
      requestId: 'call-1',
      server: { region: 'local' },
      site: { id: 's1', name: 'mine', url: 'https://example.com' },
    })
  })

  test('cookies are read, set and deleted', async () => {
    const text = `export default async (req, context) => {
      const before = context.cookies.get('session')
      context.cookies.set({ name: 'session', value: 'new', httpOnly: true, secure: true, sameSite: 'Lax', path: '/' })
      context.cookies.set('plain', '1')
      context.cookies.delete('old')
      return new Response(before + context.cookies.get('none'), { headers: { 'x-kept': 'yes' } })
    }`
    const { body, fields } = await stated(text).call({ headers: { cookie: 'a=b; session=old=1; c=d' } })
    expect(body.toString()).toBe('old=1undefined')
    expect(fields.filter(([name]) => name === 'set-cookie').map(([, line]) => line)).toEqual([
      'session=new; Secure; HttpOnly; SameSite=Lax; Path=/',
      'plain=1',
      'old=; Expires=Thu, 01 Jan 1970 00:00:00 GMT',
    ])
    expect(fields).toContainEqual(['x-kept', 'yes'])
  })

  test('waitUntil goes on after the answer, and nothing returned is 204', async () => {
    const text = `let after = 0
      export default (req, { waitUntil }) => {
        if (req.method === 'POST') return new Response(String(after))
        waitUntil(new Promise(setImmediate).then(() => { after++ }))
      }`
    const called = stated(text)
    expect((await called.call()).status).toBe(204)
    expect(await called.text({ method: 'POST' })).toBe('1')
  })

  test('what a function returns that is no response is said', async () => {
    const { failure } = await stated('export default () => 42').call()
    expect(failure).toMatchObject({ code: 'not-a-response' })
  })
})

describe('the Netlify global', () => {
  test('used while the module is imported, it marks the format', async () => {
    const text = `const name = Netlify.env.get('NAME')
      Netlify.env.set('OTHER', '1')
      export default (req, context) => Response.json({
        name, has: [Netlify.env.has('OTHER'), Netlify.env.has('NONE')], all: Netlify.env.toObject().NAME,
        same: Netlify.context === context, params: context.params,
      })`
    const called = CalledFunction.of({ 'index.mjs': text }, { env: { NAME: 'Ada' } })
    const told = { name: 'Ada', has: [true, false], all: 'Ada', same: true, params: {} }
    expect(JSON.parse(await called.text())).toEqual(told)
  })

  test('is there for a function that has no other mark', async () => {
    const text = "export default () => new Response(Netlify.env.get('NAME') + Netlify.context)"
    expect(await CalledFunction.of({ 'index.mjs': text }, { env: { NAME: 'Ada' } }).text()).toBe('Adanull')
  })
})

describe('@netlify/functions', () => {
  test('getContext gives each call its own, across what it awaits', async () => {
    const text = `import { getContext, purgeCache } from '@netlify/functions'
      const waiting = []
      export default async (req, context) => {
        const { promise, resolve } = Promise.withResolvers()
        waiting.push(resolve)
        if (waiting.length === 2) for (const go of waiting) go()
        await promise
        return Response.json([getContext() === context, Netlify.context.url.pathname, typeof purgeCache])
      }`
    const called = await builtFunction('f', { 'f.mjs': text })
    const answers = await Promise.all([called.text({ url: '/a' }), called.text({ url: '/b' })])
    expect(answers.map((answer) => JSON.parse(answer))).toEqual([
      [true, '/a', 'function'],
      [true, '/b', 'function'],
    ])
  })
})

describe('in the background', () => {
  const text = `const done = []
    export default async (req) => {
      if (req.method === 'GET') { done.push('get'); return }
      done.push(await req.text())
      globalThis.told = done.join()
      console.log('done ' + globalThis.told.length)
    }`

  test('by name: 202 at once, the body is there', async () => {
    const called = CalledFunction.of({ 'index.mjs': text }, { name: 'mail-background', format: 'netlify' })
    const logged = new Promise<string>((resolve) => called.pool.on('log', ({ line }) => resolve(line)))
    const { status, body } = await called.call({ method: 'POST', body: 'letter'.repeat(500_000) })
    expect([status, body.length]).toEqual([202, 0])
    expect(await logged).toBe('done 3000000')
  })

  test('by config', async () => {
    const module = `${text}\nexport const config = { background: true }`
    expect((await CalledFunction.of({ 'index.mjs': module }).call()).status).toBe(202)
  })
})
