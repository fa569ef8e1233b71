/** Azure's v4 functions, from its documentation's examples, with the real @azure/functions. */
import { afterAll, describe, expect, test } from 'vitest'
import { stopBuilding } from '../../../../gateway/functions/build.ts'
import { builtFunction } from './built.ts'

afterAll(stopBuilding)

const MANIFEST = (main: string) => JSON.stringify({ main, dependencies: { '@azure/functions': '^4' } })
const app = (text: string, env = {}) => builtFunction('app', { 'app/index.ts': text }, { env })

const HELLO = `const { app } = require('@azure/functions')
  app.http('httpTrigger1', {
    methods: ['GET', 'POST'],
    authLevel: 'anonymous',
    handler: async (request, context) => {
      context.log(\`Http function processed request for url "\${request.url}"\`)
      const name = request.query.get('name') || await request.text() || 'world'
      return { body: \`Hello, \${name}!\` }
    },
  })`

describe('the documented example', () => {
  const tree = {
    'hello/package.json': MANIFEST('src/{index.js,functions/*.js}'),
    'hello/host.json': '{ "version": "2.0", "extensions": { "http": { "routePrefix": "v1" } } }',
    'hello/src/index.js': "const { app } = require('@azure/functions')\napp.setup({ enableHttpStream: true })",
    'hello/src/functions/httpTrigger1.js': HELLO,
    'hello/src/functions/httpTrigger1.test.js': 'throw new Error("not to be imported")',
    'hello/src/functions/other.js': HELLO.replace('httpTrigger1', 'other'),
  }

  test('answers from modules that package.json names with a pattern, under the prefix of host.json', async () => {
    const called = await builtFunction('hello', tree)
    expect(await called.text({ url: '/v1/httpTrigger1?name=Ada&name=Bob' })).toBe('Hello, Ada!')
    expect(await called.text({ url: '/v1/HTTPTRIGGER1', method: 'POST', body: 'Grace' })).toBe('Hello, Grace!')
    expect(await called.text({ url: '/v1/other' })).toBe('Hello, world!')
    await expect
      .poll(() => called.log)
      .toContain('Http function processed request for url "http://localhost:8787/v1/other"')
    expect((await called.call({ url: '/api/other' })).status).toBe(404)
    const { status, fields } = await called.call({ url: '/v1/other', method: 'PUT' })
    expect([status, fields]).toEqual([405, [['allow', 'GET, POST']]])
  })

  test('answers from TypeScript where the pattern names what a build would have written', async () => {
    const text = `import { app, HttpRequest, HttpResponseInit, InvocationContext } from "@azure/functions"
      export async function httpTrigger1(request: HttpRequest, context: InvocationContext): Promise<HttpResponseInit> {
        return { jsonBody: { name: request.params.name, is: [request instanceof HttpRequest, context instanceof InvocationContext] } }
      }
      app.get('httpTrigger1', { route: 'hello/{name?}', handler: httpTrigger1 })`
    const called = await builtFunction('ts', {
      'ts/package.json': MANIFEST('dist/src/{index.js,functions/*.js}'),
      'ts/src/functions/httpTrigger1.ts': text,
    })
    const { fields, body } = await called.call({ url: '/api/hello/Ada' })
    expect(JSON.parse(body.toString())).toEqual({ name: 'Ada', is: [true, true] })
    expect(fields).toEqual([['content-type', 'application/json']])
    expect(JSON.parse(await called.text({ url: '/api/hello' })).name).toBeUndefined()
  })
})

describe.each(['azure-functions-4-0', 'azure-functions-4-5', '@azure/functions'])('the package as %s', (name) => {
  test('gives requests, contexts and responses of its own classes', async () => {
    const text = `const { app, HttpRequest, HttpResponse, InvocationContext } = require('@azure/functions')
      app.http('all', {
        methods: ['GET', 'POST'],
        route: 'all/{id}',
        handler: async (request, context) => {
          context.log('called')
          return {
            status: 201,
            headers: { 'x-user': String(request.user?.username ?? request.user) },
            jsonBody: [
              request.method, new URL(request.url).pathname, request.params.id, request.query.get('q'),
              request.headers.get('x-a'), await request.clone?.().text(), await request.text(),
              request instanceof HttpRequest, context instanceof InvocationContext, context.functionName,
            ],
          }
        },
      })
      app.post('form', async (request) => new HttpResponse({ body: (await request.formData()).get('a'), headers: { 'x-b': 'c' } }))
      app.get('json', async () => new HttpResponse({ jsonBody: { a: 1 } }))`
    const tree = { 'app/index.js': text, 'app/package.json': '{"dependencies":{"@azure/functions":"^4"}}' }
    const called = await builtFunction('app', tree, {}, { 'app/node_modules/@azure/functions': name })
    const principal = Buffer.from('{"identityProvider":"x","userId":"1","userDetails":"Ada","userRoles":[]}')
    const headers = { 'x-a': 'A', 'x-ms-client-principal': principal.toString('base64') }
    const { status, fields, body, failure } = await called.call({
      url: '/api/all/7?q=r',
      method: 'POST',
      body: 'b',
      headers,
    })
    expect(failure).toBeNull()
    expect([status, fields.find(([field]) => field === 'x-user')?.[1]]).toEqual([201, 'Ada'])
    expect(JSON.parse(body.toString())).toEqual(['POST', '/api/all/7', '7', 'r', 'A', 'b', 'b', true, true, 'all'])
    const form = { 'content-type': 'application/x-www-form-urlencoded' }
    const answer = await called.call({ url: '/api/form', method: 'POST', body: 'a=1', headers: form })
    expect([answer.body.toString(), answer.fields.find(([field]) => field === 'x-b')?.[1]]).toEqual(['1', 'c'])
    expect(await called.text({ url: '/api/json' })).toBe('{"a":1}')
  })
})

describe('requests', () => {
  test('are read as text, JSON, bytes, a form and a stream, and can be cloned', async () => {
    const called = await app(`import { app } from '@azure/functions'
      const post = (route, handler) => app.post(route, { route, handler })
      post('json', async (request) => ({ jsonBody: await request.json() }))
      post('bytes', async (request) => ({ body: Buffer.from(await request.arrayBuffer()) }))
      post('form', async (request) => ({ body: (await request.formData()).get('a') }))
      post('clone', async (request) => ({ body: await request.clone().text() + await request.text() }))
      post('stream', async (request) => {
        let length = 0
        for await (const chunk of request.body) length += chunk.length
        return { body: String(length) + request.headers.get('x-a') + request.method + request.user }
      })`)
    const sent = (url: string, body: string, headers = {}) => called.text({ method: 'POST', url, body, headers })
    expect(await sent('/api/json', '{"a":1}')).toBe('{"a":1}')
    expect(await sent('/api/bytes', 'äb')).toBe('äb')
    expect(await sent('/api/form', 'a=1', { 'content-type': 'application/x-www-form-urlencoded' })).toBe('1')
    expect(await sent('/api/clone', 'twice')).toBe('twicetwice')
    expect(await sent('/api/stream', 'x'.repeat(5), { 'x-a': 'A' })).toBe('5APOSTnull')
  })
})

describe('answers', () => {
  test('are texts, bytes, streams, JSON, with status, headers and cookies; none is 204', async () => {
    const called = await app(`import { app, HttpResponse } from '@azure/functions'
      import { Readable } from 'node:stream'
      const get = (route, handler) => app.get(route, { route, handler })
      get('none', () => {})
      get('head', () => ({ status: 201, headers: { 'x-a': '1' }, body: 'made', cookies: [
        { name: 'a', value: 'b c', maxAge: 60, httpOnly: true, secure: true, sameSite: 'Strict', path: '/' },
        { name: 'd', value: 'e', expires: 0 } ] }))
      get('bytes', () => ({ body: new Uint8Array([104, 105]) }))
      get('node', () => ({ body: Readable.from(['a', 'b'].map((part) => Buffer.from(part))) }))
      get('web', () => ({ body: new ReadableStream({ start(c) { c.enqueue(new TextEncoder().encode('web')); c.close() } }) }))
      get('empty', () => ({ status: 204, jsonBody: { no: 1 } }))
      get('class', async () => new HttpResponse({ status: 202, jsonBody: [1], cookies: [{ name: 'f', value: 'g' }] }))
      get('response', () => new Response('as it is', { status: 203 }))
      get('wrong', () => 42)`)
    const at = async (route: string) => {
      const { status, fields, body } = await called.call({ url: `/api/${route}` })
      return [
        status,
        body.toString(),
        ...fields.filter(([name]) => name !== 'content-type').map((field) => field.join(' ')),
      ]
    }
    expect(await at('none')).toEqual([204, ''])
    expect(await at('head')).toEqual([
      201,
      'made',
      'set-cookie a=b%20c; Max-Age=60; Path=/; HttpOnly; Secure; SameSite=Strict',
      'set-cookie d=e; Expires=Thu, 01 Jan 1970 00:00:00 GMT',
      'x-a 1',
    ])
    expect(await at('bytes')).toEqual([200, 'hi'])
    expect(await at('node')).toEqual([200, 'ab'])
    expect(await at('web')).toEqual([200, 'web'])
    expect(await at('empty')).toEqual([204, ''])
    expect(await at('class')).toEqual([202, '[1]', 'set-cookie f=g'])
    expect(await at('response')).toEqual([203, 'as it is'])
    const { failure } = await called.call({ url: '/api/wrong' })
    expect(failure!.message).toContain('The handler returned a number: it has to be an object with "body"')
  })
})

describe('contexts', () => {
  test('say which call it is, log by level, and hold inputs and outputs', async () => {
    const called = await app(`import { app, output } from '@azure/functions'
      const queue = output.storageQueue({ queueName: 'out', connection: 'X' })
      app.http('told', { route: 'told/{id:int}', extraOutputs: [queue], handler: (request, context) => {
        context.warn('careful %d', 1)
        context.error('bad')
        context.extraOutputs.set(queue, 'kept nowhere')
        const { invocationId, functionName, options, traceContext } = context
        return { jsonBody: { invocationId, functionName, route: options.trigger.route, outputs: options.extraOutputs.length,
          trace: traceContext.traceParent, id: request.params.id } }
      } })`)
    const answer = await called.text({ url: '/api/told/7', headers: { traceparent: '00-1' } })
    const told = {
      invocationId: 'call-1',
      functionName: 'told',
      route: 'told/{id:int}',
      outputs: 1,
      trace: '00-1',
      id: '7',
    }
    expect(JSON.parse(answer)).toEqual(told)
    await expect.poll(() => called.log).toEqual(['careful 1', 'bad'])
    expect((await called.call({ url: '/api/told/x' })).status).toBe(404)
  })
})

describe('requests and contexts', () => {
  test("are the package's classes, with all that these can do", async () => {
    const called = await app(`import { app, HttpRequest, InvocationContext, output } from '@azure/functions'
      const queue = output.storageQueue({ queueName: 'q', connection: 'X' })
      app.post('all', { extraOutputs: [queue], handler: async (request, context) => {
        const copy = request.clone()
        context.extraOutputs.set(queue, 'later')
        return { jsonBody: {
          classes: [request instanceof HttpRequest, context instanceof InvocationContext, copy instanceof HttpRequest],
          named: request.constructor === HttpRequest,
          own: [Object.keys(request), context.functionName, context.options.trigger.type],
          query: [request.query.getAll('a'), copy.query.getAll('a')],
          bodies: [await request.text(), await copy.text()],
          used: request.bodyUsed,
          user: request.user?.username ?? null,
          kept: context.extraOutputs.get(queue),
        } }
      } })`)
    const principal = { userId: 'u1', userDetails: 'ada', identityProvider: 'x', userRoles: [] }
    const headers = { 'x-ms-client-principal': Buffer.from(JSON.stringify(principal)).toString('base64') }
    const url = '/api/all?a=1&a=2'
    expect(JSON.parse(await called.text({ method: 'POST', url, headers, body: 'twice' }))).toEqual({
      classes: [true, true, true],
      named: true,
      own: [['query', 'params'], 'all', 'httpTrigger'],
      query: [
        ['1', '2'],
        ['1', '2'],
      ],
      bodies: ['twice', 'twice'],
      used: true,
      user: 'ada',
      kept: 'later',
    })
  })
})

describe('other triggers, keys and hooks', () => {
  test('triggers other than HTTP load, are named, and are not called', async () => {
    const called = await app(`import { app } from '@azure/functions'
      app.timer('nightly', { schedule: '0 0 0 * * *', handler: () => { throw new Error() } })
      app.storageQueue('mail', { queueName: 'mail', connection: 'X', handler: () => { throw new Error() } })
      app.get('here', () => ({ body: 'here' }))`)
    expect(await called.text({ url: '/api/here' })).toBe('here')
    await expect
      .poll(() => called.log)
      .toEqual([
        'nightly has a timerTrigger: only HTTP triggers are called here',
        'mail has a queueTrigger: only HTTP triggers are called here',
      ])
  })

  const LOCKED = `import { app } from '@azure/functions'
    app.http('locked', { authLevel: 'function', handler: () => ({ body: 'in' }) })`

  test('a key is asked for once there is one', async () => {
    const called = await app(LOCKED, { AZURE_FUNCTIONS_KEY: 'k1' })
    expect((await called.call({ url: '/api/locked' })).status).toBe(401)
    expect((await called.call({ url: '/api/locked?code=no' })).status).toBe(401)
    expect(await called.text({ url: '/api/locked?code=k1' })).toBe('in')
    expect(await called.text({ url: '/api/locked', headers: { 'x-functions-key': 'k1' } })).toBe('in')
  })

  test('without one the log says so', async () => {
    const called = await app(LOCKED)
    expect(await called.text({ url: '/api/locked' })).toBe('in')
    await expect
      .poll(() => called.log)
      .toEqual([expect.stringContaining('locked asks for a key (authLevel), and anybody may call it')])
  })

  test('hooks see and change what goes in and comes out', async () => {
    const called = await app(`import { app } from '@azure/functions'
      let started = 'not started'
      app.hook.appStart(() => { started = 'started' })
      app.hook.preInvocation((context) => {
        context.hookData.seen = context.invocationContext.functionName
        const handler = context.functionHandler
        context.functionHandler = async (...given) => ({ body: started + ' ' + (await handler(...given)).body })
      })
      app.hook.postInvocation((context) => {
        if (context.error) { context.error = null; context.result = { status: 500, body: 'caught' } }
        else context.result.body += ' ' + context.hookData.seen
      })
      app.get('fine', () => ({ body: 'body' }))
      app.get('fails', () => { throw new Error('bad') })`)
    expect(await called.text({ url: '/api/fine' })).toBe('started body fine')
    expect(await called.text({ url: '/api/fails' })).toBe('caught')
  })

  test('a route that cannot be read is told to the author', async () => {
    const called = await app(`import { app } from '@azure/functions'
      app.get('x', { route: 'a/{id:number}', handler: () => ({}) })`)
    expect((await called.call()).failure!.message).toContain('constraint "number", which there is not')
  })
})
