/** Folders written for different platforms beside each other in one gateway, as their `function.json` or marks say. */
import { describe, expect, it } from 'vitest'
import { shareGateway } from './gateway-under-test.ts'

const PROGRAM = `
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = ('program ' + self.path).encode()
        self.send_response(200)
        self.send_header('content-length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)
http.server.ThreadingHTTPServer(('127.0.0.1', int(os.environ['PORT'])), Handler).serve_forever()
`

const BOOTSTRAP = `#!/bin/sh
api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation"
while :; do
  id=$(curl -sS -D - -o /dev/null "$api/next" | tr -d '\\r' | sed -n 's/^[Ll]ambda-[Rr]untime-[Aa]ws-[Rr]equest-[Ii]d: //p')
  curl -sS -o /dev/null -d '"bootstrap"' "$api/$id/response"
done
`

const AZURE = JSON.stringify({ main: 'src/functions/*.js', dependencies: { '@azure/functions': '^4' } })

describe('one gateway', () => {
  const gateway = shareGateway({
    packages: 'installed',
    functions: {
      lambda: {
        'src/app.mjs': 'export const run = async (event) => ({ statusCode: 201, body: event.rawPath })',
        'function.json': '{ "format": "lambda", "handler": "src/app.run" }',
      },
      'sam-hello': {
        'hello-world/app.mjs': `const seen = process.env.AWS_LAMBDA_FUNCTION_NAME
          export const lambdaHandler = async (event, context) => {
            return { statusCode: 200, body: JSON.stringify({ message: 'hello world', seen }) }
          }`,
        'function.json': '{ "handler": "hello-world/app.lambdaHandler" }',
      },
      'fetch-by-name': {
        'src/app.ts': `export const api = { fetch: (request: Request) => new Response('named ' + request.method) }
          export default { fetch: () => new Response('the default export') }`,
        'function.json': '{ "handler": "src/app.api" }',
      },
      'vercel-by-name': {
        'src/app.ts': 'export const hello = (req, res) => res.status(201).json(req.query)\nexport default () => {}',
        'function.json': '{ "format": "vercel", "handler": "src/app.hello" }',
      },
      task: {
        'index.mjs': 'export default (input, ctx) => ({ input: input ?? null })',
        'function.json': '{ "format": "task" }',
      },
      'resize-background.mjs': `export default async (request, context) => {
          await new Promise((resolve) => setTimeout(resolve, 1))
          console.log('resized ' + new URL(request.url).pathname)
        }`,
      'deno-main': { 'main.ts': "Deno.serve((_request: Request) => new Response('deno'))" },
      worker: {
        'wrangler.jsonc': '{ "main": "lib/worker.ts" } // built by nobody',
        'lib/worker.ts': "export default { fetch: () => new Response('worker') }",
      },
      'server-alone': {
        'server.js': "require('node:http').createServer((req, res) => res.end('server ' + req.url)).listen(3000)",
      },
      'lambda-by-marks': {
        'index.js': `const seen = [process.env.AWS_LAMBDA_FUNCTION_NAME, process.env.AWS_REGION, process.env._HANDLER]
          exports.handler = async () => seen`,
      },
      'lambda-beside-fetch.ts': `const seen = process.env.AWS_LAMBDA_FUNCTION_NAME ?? 'none'
        export default { fetch: () => new Response('fetch ' + seen) }
        export const handler = async () => 'lambda'`,
      plain: {
        'index.cjs': 'module.exports = (req, res) => res.end("plain " + req.url)',
        'function.json': '{ "format": "node", "routes": ["/whole/:id"] }',
      },
      'netlify.mjs':
        'export default (request, context) => new Response(context.params.city)\nexport const config = { path: "/travel/:city" }',
      vercel: {
        'index.mjs': 'export default (req, res) => res.status(202).json(req.query)',
        'function.json': '{ "format": "vercel" }',
      },
      openfaas: {
        'handler.js': 'module.exports = async (event, context) => context.status(203).succeed(event.path)',
        'function.json': '{ "format": "openfaas" }',
      },
      'google-http': {
        'index.js': `const functions = require('@google-cloud/functions-framework')
          functions.http('helloHttp', (req, res) => res.send('Hello ' + (req.query.name || req.body.name || 'World')))`,
        'package.json': '{ "dependencies": { "@google-cloud/functions-framework": "^5" } }',
      },
      'google-events': {
        'index.ts': `import * as functions from '@google-cloud/functions-framework'
          functions.cloudEvent('helloCloudEvent', (event) => { console.log('got ' + event.type + ' ' + event.data.name) })`,
        'package.json': '{ "dependencies": { "@google-cloud/functions-framework": "^5" } }',
      },
      // Two apps beside each other, each with more than one function; both also have one of the same path.
      'azure-shop': {
        'package.json': AZURE,
        'src/functions/products.js': `const { app } = require('@azure/functions')
          app.http('products', { methods: ['GET'], authLevel: 'anonymous', route: 'products/{category:alpha}/{id:int?}',
            handler: async (request) => ({ jsonBody: { ...request.params } }) })`,
        'src/functions/hello.js': `const { app } = require('@azure/functions')
          app.http('hello', { methods: ['GET', 'POST'], handler: async (request, context) => ({
            body: 'Hello, ' + (request.query.get('name') || await request.text()) + ' of ' + context.functionName }) })
          app.http('both', { handler: async () => ({ body: 'shop' }) })`,
      },
      'azure-alone': `import { app } from '@azure/functions'
app.get('alone', async () => ({ body: 'alone' }))`,
      'azure-stock': {
        'package.json': '{ "dependencies": { "@azure/functions": "^4" } }',
        'index.ts': "import './functions/stock.js'",
        'functions/stock.ts': `import { app as functions, type HttpRequest } from '@azure/functions'
          functions.get('stock', async (): Promise<object> => ({ jsonBody: [1, 2] }))
          functions.http('one', { route: 'stock/{id}', handler: (request: HttpRequest) => ({ body: request.params.id }) })
          functions.http('both', { handler: async () => ({ body: 'stock' }) })
          functions.post('rest', { route: \`products/{*rest}\`, handler: (request) => ({ body: 'rest ' + request.params.rest }) })`,
      },
      'vercel-project': {
        'vercel.json': '{}',
        'api/people.ts':
          "import { greet } from './_greet.js'\nexport default (req, res) => res.send(greet(req.query.name))",
        'api/_greet.ts': "export const greet = (name: string) => 'Hello ' + name",
        'api/people/[id].ts': 'export default (req, res) => res.json(req.query)',
        'api/docs/[...slug].js': 'module.exports = (req, res) => res.json(req.query.slug)',
        'api/web.ts': "export const GET = () => new Response('web')",
        'index.html': '<p>a static file</p>',
      },
      wsgi: {
        'app.py':
          "def app(environ, start):\n    start('200 OK', [])\n    return [b'wsgi ' + environ['PATH_INFO'].encode()]\n",
      },
      program: { 'server.py': PROGRAM, 'function.json': '{ "command": ["python3", "server.py"] }' },
      script: { bootstrap: BOOTSTRAP, 'function.json': '{ "runtime": "lambda", "command": ["sh", "bootstrap"] }' },
    },
  })

  it.each([
    ['/lambda/x', 201, '/x'],
    ['/sam-hello', 200, '{"message":"hello world","seen":"sam-hello"}'],
    ['/fetch-by-name', 200, 'named GET'],
    ['/vercel-by-name?a=1', 201, '{"a":"1"}'],
    ['/task', 200, '{"input":null}'],
    ['/resize-background', 202, ''],
    ['/deno-main', 200, 'deno'],
    ['/worker', 200, 'worker'],
    ['/server-alone/x', 200, 'server /x'],
    ['/lambda-by-marks', 200, '["lambda-by-marks","us-east-1","index.handler"]'],
    ['/lambda-beside-fetch', 200, 'fetch none'],
    ['/plain/x?q=1', 200, 'plain /x?q=1'],
    ['/whole/7', 200, 'plain /whole/7'],
    ['/travel/rome', 200, 'rome'],
    ['/vercel?a=1', 202, '{"a":"1"}'],
    ['/openfaas/y', 203, '/y'],
    ['/google-http?name=Ada', 200, 'Hello Ada'],
    ['/api/hello?name=Ada', 200, 'Hello, Ada of hello'],
    ['/azure-shop/api/hello?name=Ada', 200, 'Hello, Ada of hello'],
    ['/api/products/shoes/7', 200, '{"category":"shoes","id":"7"}'],
    ['/api/products/shoes', 200, '{"category":"shoes"}'],
    ['/api/stock', 200, '[1,2]'],
    ['/api/stock/9', 200, '9'],
    ['/api/alone', 200, 'alone'],
    ['/api/both', 200, 'shop'],
    ['/azure-stock/api/both', 200, 'stock'],
    ['/api/people?name=Ada', 200, 'Hello Ada'],
    ['/api/people/7?a=1', 200, '{"a":"1","id":"7"}'],
    ['/api/docs/a/b', 200, '["a","b"]'],
    ['/api/web', 200, 'web'],
    ['/vercel-project/api/people/7', 200, '{"id":"7"}'],
    ['/wsgi/z', 200, 'wsgi /z'],
    ['/program/p', 200, 'program /p'],
    ['/script', 200, '"bootstrap"'],
  ])('%s', async (path, status, body) => {
    for (const _twice of [1, 2]) {
      const response = await gateway().fetch(path)
      expect([response.status, await response.text()]).toEqual([status, body])
    }
  })

  it('calls the function of an event', async () => {
    const headers = { 'ce-id': '1', 'ce-source': '//here', 'ce-type': 'made', 'ce-specversion': '1.0' }
    const body = JSON.stringify({ name: 'Ada' })
    const sent = { method: 'POST', headers: { ...headers, 'content-type': 'application/json' }, body }
    expect((await gateway().fetch('/google-events', sent)).status).toBe(204)
    await gateway().logged((line) => line.function === 'google-events' && line.msg === 'got made Ada')
  })

  it('goes on with what is done in the background', async () => {
    expect((await gateway().fetch('/resize-background/one')).status).toBe(202)
    await gateway().logged((line) => line.function === 'resize-background' && line.msg === 'resized /one')
  })

  it('gives a task the JSON that was sent', async () => {
    const sent = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"a":[1]}' }
    expect(await (await gateway().fetch('/task', sent)).text()).toBe('{"input":{"a":[1]}}')
  })

  it('asks the more specific of two apps, and answers as it does', async () => {
    const sent = { method: 'POST', body: '' }
    expect(await (await gateway().fetch('/api/products/a/b/c', sent)).text()).toBe('rest a/b/c')
    expect((await gateway().fetch('/api/products/a', { method: 'POST' })).status).toBe(405)
    expect((await gateway().fetch('/api/nothing')).status).toBe(404)
  })

  it('says at load which paths two folders ask for', async () => {
    const { msg } = await gateway().logged((line) => line.function === 'azure-stock' && line.msg.includes('/api/both'))
    expect(msg).toContain('"azure-shop" answers there, and "azure-stock" under /azure-stock')
  })
})
