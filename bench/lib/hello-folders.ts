/**
 * The same hello as a folder of every format: what the suite `formats` calls. Each answers `Hello!` and a line's end, as
 * its platform's documents would write it; the applications can also be served without a gateway.
 */

export interface HelloFolder {
  readonly name: string
  readonly path: string
  readonly files: Readonly<Record<string, string>>
  /** A process more than the worker: the program, whose CPU is counted in. */
  readonly isProgram: boolean
  /** How many calls one worker gets: Lambda's contract is one. */
  readonly concurrency: 1 | 64
}

/** Applications of frameworks, and what is put behind them to serve them by themselves. */
export const APPS = {
  express: {
    source: `import express from 'express'
const app = express()
app.get('/', (request, response) => response.type('text/plain').send('Hello!\\n'))
`,
    listen: "app.listen(Number(process.env.PORT), '127.0.0.1')\n",
  },
  fastify: {
    source: `import Fastify from 'fastify'
const app = Fastify()
app.get('/', (request, reply) => reply.type('text/plain').send('Hello!\\n'))
`,
    listen: "app.listen({ port: Number(process.env.PORT), host: '127.0.0.1' })\n",
  },
  koa: {
    source: `import Koa from 'koa'
const app = new Koa()
app.use((context) => { context.type = 'text/plain'; context.body = 'Hello!\\n' })
`,
    listen: "app.listen(Number(process.env.PORT), '127.0.0.1')\n",
  },
} as const

/** Without a framework: what all of them add to. */
export const BARE = {
  name: 'node',
  source: `const app = (request, response) => {
  response.setHeader('content-type', 'text/plain')
  response.end('Hello!\\n')
}
`,
  listen: "(await import('node:http')).createServer(app).listen(Number(process.env.PORT), '127.0.0.1')\n",
} as const

export type AppName = keyof typeof APPS
export const APP_NAMES = Object.keys(APPS) as AppName[]

const BOOTSTRAP = `const http = require('node:http')
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(':')
const base = '/2018-06-01/runtime/invocation/'
const ask = (method, path, body, then) => {
  http.request({ agent, host, port, method, path, headers: body ? { 'content-length': body.length } : {} }, (response) => {
    response.resume().on('end', () => then(response.headers))
  }).end(body)
}
const next = () => ask('GET', base + 'next', '', (headers) =>
  ask('POST', base + headers['lambda-runtime-aws-request-id'] + '/response', '"Hello!"', next))
next()
`

const STDIO = `require('node:readline').createInterface({ input: process.stdin })
  .on('line', () => process.stdout.write('"Hello!"\\n'))
`

const stated = (format: string): Record<string, string> => ({ 'function.json': JSON.stringify({ format }) })

/** Fetch's hello with one call at a time: what Lambda's is to be compared with. */
export const FETCH_ALONE = 'fetch-one'

export const HELLO_FOLDERS: readonly HelloFolder[] = [
  folder('fetch', { 'index.mjs': "export default { fetch: () => new Response('Hello!\\n') }\n" }),
  {
    ...folder(FETCH_ALONE, { 'index.mjs': "export default { fetch: () => new Response('Hello!\\n') }\n" }),
    concurrency: 1,
  },
  folder('methods', { 'index.mjs': "export const GET = () => new Response('Hello!\\n')\n" }),
  folder('lambda-async', {
    'index.mjs': "export const handler = async () => ({ statusCode: 200, body: 'Hello!\\n' })\n",
    ...stated('lambda'),
  }),
  folder('lambda-callback', {
    'index.cjs': "exports.handler = (event, context, done) => done(null, { statusCode: 200, body: 'Hello!\\n' })\n",
    ...stated('lambda'),
  }),
  folder('gcf', {
    'index.mjs': `import * as functions from '@google-cloud/functions-framework'
functions.http('gcf', (request, response) => response.send('Hello!\\n'))
`,
    'package.json': '{ "dependencies": { "@google-cloud/functions-framework": "*" } }',
  }),
  folder('vercel', {
    'index.mjs': "export default (request, response) => response.send('Hello!\\n')\n",
    ...stated('vercel'),
  }),
  folder('netlify', {
    'index.mjs': "export default () => new Response('Hello!\\n')\n",
    ...stated('netlify'),
  }),
  folder('openfaas', { 'handler.js': "module.exports = async () => 'Hello!\\n'\n", ...stated('openfaas') }),
  folder(
    'azure',
    {
      'index.mjs': `import { app } from '@azure/functions'
app.http('hello', { methods: ['GET'], authLevel: 'anonymous', handler: async () => ({ body: 'Hello!\\n' }) })
`,
      'package.json': '{ "dependencies": { "@azure/functions": "*" } }',
    },
    '/azure/api/hello',
  ),
  folder(BARE.name, { 'index.mjs': `${BARE.source}export default app\n`, ...stated('node') }),
  ...APP_NAMES.map((name) =>
    folder(name, { 'index.mjs': `${APPS[name].source}export default app\n`, ...stated('node') }),
  ),
  program('stdio', { 'main.cjs': STDIO, 'function.json': programJson('stdio', 'main.cjs') }),
  program('bootstrap', { 'main.cjs': BOOTSTRAP, 'function.json': programJson('lambda', 'main.cjs') }),
]

function programJson(runtime: string, file: string): string {
  return JSON.stringify({ runtime, command: [process.execPath, file] })
}

function folder(name: string, files: HelloFolder['files'], path = `/${name}/`): HelloFolder {
  return { name, path, files, isProgram: false, concurrency: name.startsWith('lambda') ? 1 : 64 }
}

function program(name: string, files: HelloFolder['files']): HelloFolder {
  return { name, path: `/${name}/`, files, isProgram: true, concurrency: 1 }
}
