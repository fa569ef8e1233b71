/** AWS Lambda's contract for Node, as its documents show it: events, results, handler styles, context, variables. */
import type { APIGatewayProxyEvent, APIGatewayProxyEventV2, Context } from 'aws-lambda'
import { describe, expect, expectTypeOf, test } from 'vitest'
import type { LambdaContext } from '../../../../warmpool/runtimes/node/formats/lambda-context.ts'
import type { LambdaEvent } from '../../../../warmpool/runtimes/node/formats/lambda-event.ts'
import type { LambdaEvent1 } from '../../../../warmpool/runtimes/node/formats/lambda-event-1.ts'
import { type Asked, CalledFunction, type Stated } from './called.ts'
import { fieldOf } from './contract.ts'

/** A module with this handler. */
const lambda = (handler: string, stated: Stated = {}) =>
  CalledFunction.of({ 'index.mjs': `export const handler = ${handler}` }, { format: 'lambda', ...stated })
const answerOf = (handler: string, asked: Asked = {}) => lambda(handler).call(asked)

describe('the event', () => {
  const eventOf = async (asked: Asked) => JSON.parse(await lambda('async (event) => event').text(asked))

  test('is payload format 2.0', async () => {
    const event = await eventOf({
      method: 'POST',
      url: '/my/path%20x?parameter1=value1&parameter1=value2&parameter2=a%20b+c',
      headers: {
        host: 'api.example.com:8787',
        'user-agent': 'agent',
        'x-forwarded-for': '203.0.113.7, 10.0.0.1',
        'content-type': 'application/json',
        cookie: 'first=1; second=2',
        accept: '*/*',
      },
      body: '{"key":"wört"}',
    })
    expect(event).toEqual({
      version: '2.0',
      routeKey: '$default',
      rawPath: '/my/path%20x',
      rawQueryString: 'parameter1=value1&parameter1=value2&parameter2=a%20b+c',
      cookies: ['first=1', 'second=2'],
      headers: {
        host: 'api.example.com:8787',
        'user-agent': 'agent',
        'x-forwarded-for': '203.0.113.7, 10.0.0.1',
        'content-type': 'application/json',
        accept: '*/*',
        'x-amzn-trace-id': expect.stringMatching(/^Root=1-[0-9a-f]{8}-[0-9a-f]{24};Sampled=0$/),
      },
      queryStringParameters: { parameter1: 'value1,value2', parameter2: 'a b c' },
      requestContext: {
        accountId: '123456789012',
        apiId: 'called',
        domainName: 'api.example.com:8787',
        domainPrefix: 'api',
        http: {
          method: 'POST',
          path: '/my/path%20x',
          protocol: 'HTTP/1.1',
          sourceIp: '203.0.113.7',
          userAgent: 'agent',
        },
        requestId: 'call-1',
        routeKey: '$default',
        stage: '$default',
        time: expect.stringMatching(/^\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d \+0000$/),
        timeEpoch: expect.any(Number),
      },
      body: '{"key":"wört"}',
      isBase64Encoded: false,
    })
    expect(Math.abs(event.requestContext.timeEpoch - Date.now())).toBeLessThan(60_000)
  })

  test('has neither cookies, nor parameters, nor a body where none came', async () => {
    const event = await eventOf({ url: '/' })
    expect(Object.keys(event)).toEqual([
      'version',
      'routeKey',
      'rawPath',
      'rawQueryString',
      'headers',
      'requestContext',
      'isBase64Encoded',
    ])
    expect(event.rawQueryString).toBe('')
  })

  test('joins headers that come twice, and takes names that every object inherits for what they are', async () => {
    const event = await eventOf({ url: '/?constructor=1&constructor=2&__proto__=3', headers: { constructor: 'x' } })
    expect(event.headers.constructor).toBe('x')
    expect(event.queryStringParameters.constructor).toBe('1,2')
    expect(Object.entries(event.queryStringParameters)).toContainEqual(['__proto__', '3'])
  })

  test.each([
    ['text/csv', 'a,b', false],
    ['application/json; charset=utf-8', '{}', false],
    ['application/xml', '<a/>', false],
    ['application/javascript', '1', false],
    ['application/x-www-form-urlencoded', 'a=1', true],
    ['application/octet-stream', 'abc', true],
    ['image/png', 'abc', true],
    ['text/plain', Uint8Array.of(0xff, 0xfe), true],
  ])('has a body of %s as text or as base64', async (type, body, isBase64Encoded) => {
    const event = await eventOf({ method: 'POST', headers: { 'content-type': type }, body })
    expect(event.isBase64Encoded).toBe(isBase64Encoded)
    const bytes = Buffer.from(event.body, isBase64Encoded ? 'base64' : 'utf8')
    expect(bytes).toEqual(Buffer.from(body as string))
  })

  test('has a body without a type as base64', async () => {
    expect(await eventOf({ method: 'POST', body: 'abc' })).toMatchObject({ body: 'YWJj', isBase64Encoded: true })
  })

  test('is what the published types say', () => {
    expectTypeOf<LambdaEvent>().toExtend<APIGatewayProxyEventV2>()
  })
})

describe('the event of payload format 1.0', () => {
  const eventOf = async (asked: Asked) =>
    JSON.parse(await lambda('async (event) => event', { platform: { payload: '1.0' } }).text(asked))

  test('has method, path, and each value of headers and query', async () => {
    const event = await eventOf({
      method: 'POST',
      url: '/my/path%20x?a=1&a=2&b=x%20y&__proto__=3',
      headers: { host: 'api.example.com', 'x-forwarded-for': '203.0.113.7, 10.0.0.1', 'user-agent': 'agent' },
    })
    expect(event).toMatchObject({
      version: '1.0',
      resource: '/{proxy+}',
      path: '/my/path%20x',
      httpMethod: 'POST',
      headers: { host: 'api.example.com', 'user-agent': 'agent' },
      multiValueHeaders: { host: ['api.example.com'], 'x-amzn-trace-id': [expect.stringContaining('Root=1-')] },
      multiValueQueryStringParameters: { a: ['1', '2'], b: ['x y'] },
      pathParameters: { proxy: 'my/path%20x' },
      stageVariables: null,
      body: null,
      isBase64Encoded: false,
    })
    expect(Object.entries(event.queryStringParameters)).toEqual([
      ['a', '2'],
      ['b', 'x y'],
      ['__proto__', '3'],
    ])
    expect(event.requestContext).toMatchObject({
      httpMethod: 'POST',
      path: '/my/path%20x',
      resourcePath: '/{proxy+}',
      requestId: 'call-1',
      identity: { sourceIp: '203.0.113.7', userAgent: 'agent' },
    })
  })

  test('has null where there is no query and no path below the root', async () => {
    expect(await eventOf({ url: '/' })).toMatchObject({
      resource: '/',
      pathParameters: null,
      queryStringParameters: null,
      multiValueQueryStringParameters: null,
    })
  })

  test('has forms as text, as REST APIs hand them over', async () => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    expect(await eventOf({ method: 'POST', headers, body: 'a=1' })).toMatchObject({
      body: 'a=1',
      isBase64Encoded: false,
    })
  })

  test('is what the published types say', () => {
    expectTypeOf<LambdaEvent1['multiValueHeaders']>().toExtend<APIGatewayProxyEvent['multiValueHeaders']>()
    expectTypeOf<LambdaEvent1['queryStringParameters']>().toExtend<APIGatewayProxyEvent['queryStringParameters']>()
  })
})

describe('the handler', () => {
  test.each([
    ['export default (event, _context, callback) => callback(null, event.version)'],
    ['module.exports = (event, _, cb) => cb(null, event.version)'],
    ['export const lambdaHandler = async (event) => event.version'],
  ])('is found without a word about it: %s', async (text) => {
    const file = text.startsWith('module') ? 'index.cjs' : 'index.mjs'
    expect(await CalledFunction.of({ [file]: text }).text()).toBe('"2.0"')
  })

  test('may be the default export where the format is stated', async () => {
    const called = CalledFunction.of(
      { 'index.mjs': 'export default async (event) => event.version' },
      { format: 'lambda' },
    )
    expect(await called.text()).toBe('"2.0"')
  })
})

describe('the result', () => {
  test('is an answer by its statusCode', async () => {
    const answer = await answerOf(`async () => ({
      statusCode: 201,
      headers: { 'Content-Type': 'application/json', 'My-Custom-Header': 'Custom Value', 'X-Number': 5, 'X-None': undefined },
      body: JSON.stringify({ message: 'Hello, world!' }),
      cookies: ['Cookie_1=Value1; Expires=21 Oct 2021 07:48 GMT', 'Cookie_2=Value2; Max-Age=78000'],
      isBase64Encoded: false,
    })`)
    expect(answer).toMatchObject({ status: 201, failure: null })
    expect(answer.fields).toEqual([
      ['content-type', 'application/json'],
      ['my-custom-header', 'Custom Value'],
      ['x-number', '5'],
      ['set-cookie', 'Cookie_1=Value1; Expires=21 Oct 2021 07:48 GMT'],
      ['set-cookie', 'Cookie_2=Value2; Max-Age=78000'],
    ])
    expect(answer.body.toString()).toBe('{"message":"Hello, world!"}')
  })

  test.each([
    ["'Hello, world!'", '"Hello, world!"'],
    ["{ message: 'Hello, world!' }", '{"message":"Hello, world!"}'],
    ['[1, 2]', '[1,2]'],
    ['0', '0'],
    ['null', 'null'],
    ['undefined', 'null'],
  ])('%s is 200 with that as JSON', async (result, body) => {
    const answer = await answerOf(`async () => (${result})`)
    expect(answer).toMatchObject({ status: 200, failure: null })
    expect(fieldOf(answer, 'content-type')).toBe('application/json')
    expect(answer.body.toString()).toBe(body)
  })

  test('may be base64, with a length that is not what the caller gets', async () => {
    const answer = await answerOf(
      `async () => ({ statusCode: '200', isBase64Encoded: true, body: 'AP8=', headers: { 'Content-Length': '4' } })`,
    )
    expect([...answer.body]).toEqual([0, 255])
    expect(answer.fields).toEqual([['content-type', 'application/json']])
  })

  test('is JSON where it has a body and no type, as in Python', async () => {
    const typed = async (code: string) => (await answerOf(code)).fields
    expect(await typed(`async () => ({ statusCode: 200, body: '{}' })`)).toEqual([['content-type', 'application/json']])
    expect(await typed(`async () => ({ statusCode: 204 })`)).toEqual([])
  })

  test('may be of payload format 1.0', async () => {
    const { fields } = await answerOf(
      `async () => ({ statusCode: 200, multiValueHeaders: { 'Set-Cookie': ['a', 'b'] } })`,
    )
    expect(fields).toEqual([
      ['set-cookie', 'a'],
      ['set-cookie', 'b'],
    ])
  })

  test('keeps the length that it announces to a HEAD request', async () => {
    const answer = await answerOf(`async () => ({ statusCode: 200, headers: { 'content-length': '123' } })`, {
      method: 'HEAD',
    })
    expect(fieldOf(answer, 'content-length')).toBe('123')
  })

  test('tells a HEAD request the length of the body that there is, whatever is said of it', async () => {
    const headers = "{ 'access-control-expose-headers': 'content-length', 'content-length': '123', 'x-a': '1' }"
    const { fields } = await answerOf(`async () => ({ statusCode: 200, headers: ${headers}, body: 'text' })`, {
      method: 'HEAD',
    })
    expect(fields).toEqual([
      ['access-control-expose-headers', 'content-length'],
      ['x-a', '1'],
      ['content-type', 'application/json'],
      ['content-length', '4'],
    ])
  })

  test('tells the length where a header only names it', async () => {
    const headers = "{ 'access-control-expose-headers': 'content-length' }"
    const answer = await answerOf(`async () => ({ statusCode: 200, headers: ${headers}, body: 'text' })`, {
      method: 'HEAD',
    })
    expect(fieldOf(answer, 'content-length')).toBe('4')
  })

  test.each([
    ['{ statusCode: 99 }', 'the status the number 99'],
    ['{ statusCode: "ok" }', 'the status the string ok'],
    ['{ statusCode: 200, body: { a: 1 } }', 'a body that is an object (Object), not a string: JSON.stringify it'],
    ['{ statusCode: 200, headers: { "x y": "1" } }', 'header "x y"'],
    ['{ statusCode: 200, headers: { x: "a\\nb" } }', 'header "x"'],
    ['{ statusCode: 200, headers: "x" }', 'headers that are the string x'],
    ['{ statusCode: 200, cookies: "a=1" }', 'cookies that are the string a=1'],
    ['new Response("hi")', 'The handler returned a Response'],
    ['() => 1', 'a function, which JSON cannot say'],
    ['1n', 'BigInt'],
  ])('%s is a mistake of the handler', async (result, message) => {
    const { failure } = await answerOf(`async () => (${result})`)
    expect(failure).toMatchObject({ code: 'not-a-response' })
    expect(failure!.message).toContain(message)
  })
})

describe('a handler', () => {
  test('may answer by callback', async () => {
    const answer = await answerOf(`(event, context, callback) => {
      setTimeout(() => callback(null, { statusCode: 202, body: 'later' }), 1)
    }`)
    expect([answer.status, answer.body.toString()]).toEqual([202, 'later'])
  })

  test.each([
    ['callback("boom")', 'boom'],
    ['callback(new TypeError("boom"))', 'boom'],
    ['context.fail("boom")', 'boom'],
    ['context.done(new Error("boom"))', 'boom'],
  ])('may fail by %s', async (statement, message) => {
    const { failure } = await answerOf(`(event, context, callback) => { ${statement} }`)
    expect(failure).toMatchObject({ code: 'handler-threw' })
    expect(failure!.message).toContain(message)
  })

  test.each(['context.succeed("done")', 'context.done(null, "done")', 'callback(undefined, "done")'])(
    'may answer by %s',
    async (statement) => {
      expect(await lambda(`(event, context, callback) => { ${statement} }`).text()).toBe('"done"')
    },
  )

  test('answers once: the first counts', async () => {
    const called = lambda(`async (event, context, callback) => {
      callback(null, 'first')
      context.fail('second')
      return 'third'
    }`)
    expect(await called.text()).toBe('"first"')
    expect(await called.text()).toBe('"first"')
  })

  test('keeps its slot until the work is done that it began before its callback', async () => {
    const called = lambda(`(event, context, callback) => {
      globalThis.done ??= 0
      setTimeout(() => setTimeout(() => globalThis.done++, 20), 20)
      callback(null, globalThis.done)
    }`)
    const answers = await Promise.all([called.text(), called.text(), called.text()])
    expect(answers).toEqual(['0', '1', '2'])
  })

  test('keeps it for work of other threads too, which no list of what is under way names', async () => {
    const called = lambda(`(event, context, callback) => {
      globalThis.done ??= 0
      process.getBuiltinModule('node:zlib').gzip(Buffer.alloc(8_000_000), () => globalThis.done++)
      callback(null, globalThis.done)
    }`)
    const answers = await Promise.all([called.text(), called.text(), called.text()])
    expect(answers).toEqual(['0', '1', '2'])
  })

  test('has answered with its callback, whatever it leaves under way and throws then', async () => {
    const called = lambda(`(event, context, callback) => {
      console.log('on its way')
      setInterval(() => {}, 1_000)
      callback(null, 'answered')
      throw new Error('too late')
    }`)
    expect(await called.text()).toBe('"answered"')
  })

  test('does not, when callbackWaitsForEmptyEventLoop is false', async () => {
    const called = lambda(`(event, context, callback) => {
      context.callbackWaitsForEmptyEventLoop = false
      setInterval(() => {}, 1_000)
      callback(null, 'next')
    }`)
    expect(await Promise.all([called.text(), called.text()])).toEqual(['"next"', '"next"'])
  })

  test('that does nothing more without calling its callback has answered with null', async () => {
    const called = lambda('(event, context, callback) => { setTimeout(() => {}, 5) }')
    expect(await Promise.all([called.text(), called.text()])).toEqual(['null', 'null'])
  })

  test('that only forgot the word async answers with what it returned', async () => {
    expect(await lambda(`() => ({ statusCode: 200, body: 'hello' })`).text()).toBe('hello')
  })

  test('is called for one request at a time', async () => {
    const called = lambda(`async () => {
      globalThis.running = (globalThis.running ?? 0) + 1
      await new Promise((resolve) => setTimeout(resolve, 5))
      return globalThis.running--
    }`)
    expect(await Promise.all([called.text(), called.text(), called.text()])).toEqual(['1', '1', '1'])
  })

  test('reads a body that comes in pieces', async () => {
    const body = 'x'.repeat(3_000_000)
    const called = lambda('async (event) => event.body.length')
    const headers = { 'content-type': 'text/plain', 'content-length': String(body.length) }
    expect(await called.text({ method: 'POST', headers, body })).toBe('3000000')
  })
})

describe('finding the handler', () => {
  test.each(['main', 'src/index.main', 'index.main'])('as %s', async (handler) => {
    const called = CalledFunction.of(
      { 'index.mjs': `export const main = async () => 'main'` },
      { format: 'lambda', handler },
    )
    expect(await called.text()).toBe('"main"')
  })

  test('within what is exported', async () => {
    const files = { 'index.mjs': `export const api = { users: { get: async () => 'nested' } }` }
    expect(await CalledFunction.of(files, { format: 'lambda', handler: 'index.api.users.get' }).text()).toBe('"nested"')
  })

  test('among exports of CommonJS that cannot be read off its text', async () => {
    const files = { 'index.cjs': `Object.assign(module.exports, { ['han' + 'dler']: async () => 'common' })` }
    expect(await CalledFunction.of(files).text()).toBe('"common"')
  })

  test('that is not there names what is', async () => {
    const files = { 'index.mjs': 'export const handler = 1; export const other = 2' }
    const { failure } = await CalledFunction.of(files, { format: 'lambda', handler: 'index.main' }).call()
    expect(failure).toMatchObject({ code: 'init-failed' })
    expect(failure!.message).toContain('"index.main" is not among what the module exports: handler, other.')
  })

  test('is not tried where the module says that it is a fetch function', async () => {
    const files = {
      'index.mjs': `export const handler = () => {}; export default { fetch: () => new Response('fetch') }`,
    }
    expect(await CalledFunction.of(files).text()).toBe('fetch')
  })
})

describe('around the handler', () => {
  test('there is a context', async () => {
    const called = lambda(
      `async (event, { getRemainingTimeInMillis, ...context }) => ({ ...context, left: getRemainingTimeInMillis() })`,
    )
    const context = JSON.parse(await called.text())
    expect(context).toEqual({
      callbackWaitsForEmptyEventLoop: true,
      functionName: 'called',
      functionVersion: '$LATEST',
      invokedFunctionArn: 'arn:aws:lambda:us-east-1:123456789012:function:called',
      memoryLimitInMB: expect.stringMatching(/^\d+$/),
      awsRequestId: 'call-1',
      logGroupName: '/aws/lambda/called',
      logStreamName: expect.stringMatching(/^\d{4}\/\d\d\/\d\d\/\[\$LATEST\][0-9a-f]{32}$/),
      left: expect.any(Number),
    })
    const { timeoutMs } = called.pool.defaults
    expect(context.left).toBeGreaterThan(timeoutMs - 10_000)
    expect(context.left).toBeLessThanOrEqual(timeoutMs)
  })

  test('it is what the published types say', () => {
    expectTypeOf<LambdaContext>().toExtend<Context>()
  })

  test('there are the variables, before its module is loaded, and those of the function win', async () => {
    const files = { 'index.mjs': `const env = { ...process.env }; export const handler = async () => env` }
    const stated = { format: 'lambda', handler: 'index.handler', env: { AWS_REGION: 'eu-central-1', OWN: 'value' } }
    const env = JSON.parse(await CalledFunction.of(files, stated).text())
    expect(env).toMatchObject({
      AWS_REGION: 'eu-central-1',
      AWS_DEFAULT_REGION: 'eu-central-1',
      AWS_EXECUTION_ENV: expect.stringMatching(/^AWS_Lambda_nodejs\d+\.x$/),
      AWS_LAMBDA_FUNCTION_NAME: 'called',
      AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: expect.stringMatching(/^\d+$/),
      AWS_LAMBDA_LOG_GROUP_NAME: '/aws/lambda/called',
      LAMBDA_TASK_ROOT: expect.stringMatching(/^\//),
      _HANDLER: 'index.handler',
      TZ: 'UTC',
      OWN: 'value',
    })
  })

  test('there is a trace id, of its own or the one that came', async () => {
    const called = lambda('async () => process.env._X_AMZN_TRACE_ID')
    const own = [await called.text(), await called.text()]
    expect(own[0]).not.toBe(own[1])
    const traced = { headers: { 'x-amzn-trace-id': 'Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1' } }
    expect(await called.text(traced)).toBe('"Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1"')
  })

  test('the trace id is among all variables, a child gets it, and the system has none', async () => {
    const called = lambda(`async () => {
      const { execFileSync } = process.getBuiltinModule('node:child_process')
      const { environmentVariables } = process.report.getReport()
      const { _X_AMZN_TRACE_ID, ...others } = process.env
      process.env.OTHER = 1
      return [
        _X_AMZN_TRACE_ID === process.env._X_AMZN_TRACE_ID && /^Root=1-/.test(_X_AMZN_TRACE_ID),
        Object.keys(process.env).includes('_X_AMZN_TRACE_ID') && others.TZ,
        execFileSync('/bin/sh', ['-c', 'printf %s "$_X_AMZN_TRACE_ID"']).toString() === _X_AMZN_TRACE_ID,
        process.env.OTHER,
        environmentVariables._X_AMZN_TRACE_ID,
      ]
    }`)
    expect(JSON.parse(await called.text())).toEqual([true, 'UTC', true, '1', ''])
  })

  test('an error while the module is loaded is its own', async () => {
    const files = { 'index.mjs': `throw new Error('no database'); export const handler = async () => {}` }
    const { failure } = await CalledFunction.of(files, { format: 'lambda' }).call()
    expect(failure).toMatchObject({ code: 'init-failed' })
    expect(failure!.message).toContain('no database')
  })

  test('other functions see nothing of it but the global', async () => {
    const files = { 'index.mjs': `export default () => new Response(process.env.AWS_LAMBDA_FUNCTION_NAME ?? 'unset')` }
    expect(await CalledFunction.of(files).text()).toBe('unset')
  })
})
