/** The packages with which people run their applications on Lambda, as their documents show them, built and called. */
import { describe, expect, test } from 'vitest'
import { canFork } from '../../../../warmpool/template/available.ts'
import { bundled } from './bundled.ts'
import type { CalledFunction } from './called.ts'
import { CASES } from './contract.ts'

const EXPRESS_APP = `
  const app = express()
  app.use(express.text())
  app.use(express.raw())
  app.all('/hello', (req, res) => res.type('text').send('hello'))
  app.all('/echo', (req, res) => {
    const body = typeof req.body === 'string' ? req.body : ''
    res.json({ method: req.method, path: req.path, name: req.query.name, body })
  })
  app.get('/json', (req, res) => res.json({ ok: true }))
  app.get('/missing', (req, res) => res.status(404).set('X-Reason', 'nothing here').type('text').send('missing'))
  app.put('/bytes', (req, res) => res.type('application/octet-stream').send(req.body))
  app.get('/cookies', (req, res) => res.append('set-cookie', ['a=1', 'b=2; Path=/']).type('text').send('set'))`

const HONO_APP = `
  const app = new Hono()
  app.get('/hello', (c) => c.text('hello'))
  app.on(['POST', 'DELETE'], '/echo', async (c) =>
    c.json({ method: c.req.method, path: c.req.path, name: c.req.query('name'), body: await c.req.text() }))
  app.get('/json', (c) => c.json({ ok: true }))
  app.get('/missing', (c) => c.text('missing', 404, { 'X-Reason': 'nothing here' }))
  app.put('/bytes', async (c) => c.body(await c.req.arrayBuffer(), 200, { 'content-type': 'application/octet-stream' }))
  app.get('/cookies', (c) => {
    c.header('set-cookie', 'a=1', { append: true })
    c.header('set-cookie', 'b=2; Path=/', { append: true })
    return c.text('set')
  })`

const APPLICATIONS = {
  'serverless-http with Express': `
    const serverless = require('serverless-http')
    const express = require('express')
    ${EXPRESS_APP}
    module.exports.handler = serverless(app, { binary: ['application/octet-stream'] })`,
  '@codegenie/serverless-express': `
    const serverlessExpress = require('@codegenie/serverless-express')
    const express = require('express')
    ${EXPRESS_APP}
    exports.handler = serverlessExpress({ app, binarySettings: { contentTypes: ['application/octet-stream'] } })`,
  'hono/aws-lambda': `
    import { Hono } from 'hono'
    import { handle } from 'hono/aws-lambda'
    ${HONO_APP}
    export const handler = handle(app)`,
  'hono/aws-lambda, streaming': `
    import { Hono } from 'hono'
    import { streamHandle } from 'hono/aws-lambda'
    ${HONO_APP}
    export const handler = streamHandle(app)`,
}

/** What is thrown becomes an answer of the application's own. */
const ANSWERED = CASES.filter(({ asked }) => asked.url !== '/throw')

describe.each(Object.entries(APPLICATIONS))('%s', (_name, text) => {
  test('answers what is promised of every format', async () => {
    const called = await bundled({ 'index.js': text })
    for (const { asked, check } of ANSWERED) check(await called.call(asked), '')
  })
})

test('Express through serverless-http sees who called, and cookies', async () => {
  const called = await bundled({
    'index.js': `
      import serverless from 'serverless-http'
      import express from 'express'
      const app = express().set('trust proxy', true)
      app.get('/', (req, res) => res.json([req.ip, req.hostname, req.headers.cookie, req.apiGateway.context.functionName]))
      export const handler = serverless(app)`,
  })
  const headers = { host: 'example.com', 'x-forwarded-for': '203.0.113.7', cookie: 'a=1; b=2' }
  expect(JSON.parse(await called.text({ headers }))).toEqual(['203.0.113.7', 'example.com', 'a=1; b=2', 'called'])
})

test('hono streams by streamHandle', async () => {
  const called: CalledFunction = await bundled({
    'index.js': `
      import { Hono } from 'hono'
      import { streamHandle } from 'hono/aws-lambda'
      import { streamText } from 'hono/streaming'
      const app = new Hono()
      app.get('/stream', (c) => streamText(c, async (stream) => {
        for (let i = 0; i < 3; i++) {
          await stream.writeln(String(i))
          await stream.sleep(1)
        }
      }))
      export const handler = streamHandle(app)`,
  })
  const pieces: string[] = []
  const { status, failure } = await called.call({ url: '/stream' }, (probe, bytes) => {
    if (bytes.length > 0) pieces.push(bytes.toString())
    probe.consumed(bytes.length)
  })
  expect({ status, failure, pieces }).toEqual({ status: 200, failure: null, pieces: ['0\n', '1\n', '2\n'] })
})

// Whoever leaves the event loop there waits for ever for threads that are not: not in each call, but in every few.
test.skipIf(!canFork())('a forked worker sees that a handler has nothing left to do', async () => {
  const called = await bundled(
    {
      'index.js': `
        require('express')()
        exports.handler = (event, context, callback) => {
          if (event.rawPath === '/nothing') setTimeout(() => {}, 5)
          else setTimeout(() => callback(null, 'called back'), 5)
        }`,
    },
    { settings: { maxInvocations: 1, startBy: 'fork', timeoutMs: 5000 } },
  )
  for (let call = 0; call < 12; call++) {
    expect(await called.text({ url: '/nothing' })).toBe('null')
    expect(await called.text()).toBe('"called back"')
  }
})
