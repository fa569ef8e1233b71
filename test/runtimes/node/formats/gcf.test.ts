/** Google's functions, as their documents write them, bundled as the gateway does it. */
import { describe, expect, test } from 'vitest'
import { bundled } from './bundled.ts'

const FRAMEWORK = "const functions = require('@google-cloud/functions-framework')"
const JSON_HEADERS = { 'content-type': 'application/json' }

test('an HTTP function that is registered', async () => {
  const called = await bundled({
    'index.js': `${FRAMEWORK}
      functions.http('helloHttp', (req, res) => {
        res.send(\`Hello \${req.query.name || req.body.name || 'World'}!\`)
      })`,
  })
  expect(await called.text()).toBe('Hello World!')
  expect(await called.text({ url: '/?name=Ada' })).toBe('Hello Ada!')
  expect(await called.text({ method: 'POST', headers: JSON_HEADERS, body: '{"name":"Bob"}' })).toBe('Hello Bob!')
  const bad = await called.call({ method: 'POST', headers: JSON_HEADERS, body: '{' })
  expect([bad.status, bad.failure]).toEqual([400, null])
})

test('whichever way a module imports the package', async () => {
  for (const [imported, http] of [
    ["import functions from '@google-cloud/functions-framework'", 'functions.http'],
    ["import * as ff from '@google-cloud/functions-framework'", 'ff.http'],
    ["import { http } from '@google-cloud/functions-framework'", 'http'],
  ]) {
    const called = await bundled({ 'index.mjs': `${imported}\n${http}('hello', (req, res) => res.send('Hello'))` })
    expect(await called.text()).toBe('Hello')
  }
})

test('an HTTP function that is exported, by its type of body', async () => {
  const module = `
    exports.helloContent = (req, res) => {
      let name
      switch (req.get('content-type')) {
        case 'application/json': ({ name } = req.body); break
        case 'application/octet-stream': name = req.body.toString(); break
        case 'text/plain': name = req.body; break
        case 'application/x-www-form-urlencoded': ({ name } = req.body); break
      }
      res.status(200).send('Hello ' + name + ' ' + req.rawBody.length)
    }`
  const called = await bundled({ 'index.js': module }, { format: 'gcf', env: { FUNCTION_TARGET: 'helloContent' } })
  const asked = (type: string, body: string) => called.text({ method: 'POST', headers: { 'content-type': type }, body })
  expect(await asked('application/json', '{"name":"Ada"}')).toBe('Hello Ada 14')
  expect(await asked('application/octet-stream', 'Ada')).toBe('Hello Ada 3')
  expect(await asked('text/plain', 'Ada')).toBe('Hello Ada 3')
  expect(await asked('application/x-www-form-urlencoded', 'name=Ada')).toBe('Hello Ada 8')
})

test('the CORS example', async () => {
  const called = await bundled({
    'index.js': `${FRAMEWORK}
      functions.http('corsEnabledFunction', (req, res) => {
        res.set('Access-Control-Allow-Origin', '*')
        if (req.method === 'OPTIONS') {
          res.set('Access-Control-Allow-Methods', 'GET')
          res.status(204).send('')
        } else res.send('Hello World!')
      })`,
  })
  const { status, fields } = await called.call({ method: 'OPTIONS' })
  expect(status).toBe(204)
  expect(Object.fromEntries(fields)).toMatchObject({ 'Access-Control-Allow-Methods': 'GET' })
})

test('an Express app as the function finds the body parsed, whatever parsers it has', async () => {
  const called = await bundled({
    'index.js': `${FRAMEWORK}
      const express = require('express')
      const app = express()
      app.use(express.json())
      app.post('/echo', (req, res) => res.json({ body: req.body, raw: req.rawBody.toString() }))
      functions.http('api', app)`,
  })
  const echo = { method: 'POST', url: '/echo', headers: { ...JSON_HEADERS, 'content-length': '7' }, body: '{"a":1}' }
  expect(JSON.parse(await called.text(echo))).toEqual({ body: { a: 1 }, raw: '{"a":1}' })
})

describe('an event', () => {
  const module = `${FRAMEWORK}
    functions.cloudEvent('helloEvent', (event) => { console.log(JSON.stringify(event)) })`
  const attributes = { specversion: '1.0', type: 'a.b', source: '//here', id: '7' }

  test('in binary mode', async () => {
    const called = await bundled({ 'index.js': module })
    const headers = Object.fromEntries(Object.entries(attributes).map(([name, value]) => [`ce-${name}`, value]))
    const asked = { method: 'POST', headers: { ...headers, ...JSON_HEADERS }, body: '{"a":1}' }
    expect((await called.call(asked)).status).toBe(204)
    await expect.poll(() => called.log).toHaveLength(1)
    expect(JSON.parse(called.log[0]!)).toEqual({ ...attributes, datacontenttype: 'application/json', data: { a: 1 } })
  })

  test('in structured mode', async () => {
    const called = await bundled({ 'index.js': module })
    const body = JSON.stringify({ ...attributes, data: { a: 1 } })
    const asked = { method: 'POST', headers: { 'content-type': 'application/cloudevents+json' }, body }
    expect((await called.call(asked)).status).toBe(204)
    await expect.poll(() => called.log).toHaveLength(1)
    expect(JSON.parse(called.log[0]!)).toEqual(JSON.parse(body))
  })

  test('is a POST request, and one', async () => {
    const called = await bundled({ 'index.js': module })
    expect((await called.call()).status).toBe(405)
    const { status, body } = await called.call({ method: 'POST', headers: JSON_HEADERS, body: '{}' })
    expect([status, body.toString()]).toEqual([400, expect.stringContaining('ce-type')])
  })

  test('that fails fails the call, with a promise or a callback', async () => {
    for (const handler of ["async () => { throw new Error('mine') }", "(event, done) => done(new Error('mine'))"]) {
      const called = await bundled({ 'index.js': `${FRAMEWORK}\nfunctions.cloudEvent('bad', ${handler})` })
      const headers = { 'content-type': 'application/cloudevents+json' }
      const { failure } = await called.call({ method: 'POST', headers, body: JSON.stringify(attributes) })
      expect(failure).toMatchObject({ code: 'handler-threw', message: expect.stringContaining('mine') })
    }
  })

  test('of the first generation', async () => {
    const called = await bundled(
      { 'index.js': 'exports.helloPubSub = (event, context) => context.eventId + Buffer.from(event.data, "base64")' },
      { format: 'gcf', env: { FUNCTION_SIGNATURE_TYPE: 'event' } },
    )
    const body = JSON.stringify({ data: { data: 'QWRh' }, context: { eventId: 'e1' } })
    expect(await called.text({ method: 'POST', headers: JSON_HEADERS, body })).toBe('e1Ada')
  })
})

describe('an event of the other generation', () => {
  const FILE = {
    id: '1',
    source: '//storage.googleapis.com/projects/_/buckets/b',
    subject: 'objects/o',
    specversion: '1.0',
  }
  const FINALIZED = { ...FILE, type: 'google.cloud.storage.object.v1.finalized', time: 't' }
  const exported = { 'index.js': 'exports.onFile = (data, context) => ({ data, context })' }

  test('is made into what an exported function of the first generation takes, in both modes', async () => {
    const called = await bundled(exported, { env: { FUNCTION_SIGNATURE_TYPE: 'event' } })
    const resource = {
      service: 'storage.googleapis.com',
      name: 'projects/_/buckets/b/objects/o',
      type: 'storage#object',
    }
    const context = { eventId: '1', timestamp: 't', eventType: 'google.storage.object.finalize', resource }
    const data = { kind: 'storage#object' }
    const headers = Object.fromEntries(Object.entries(FINALIZED).map(([name, value]) => [`ce-${name}`, value]))
    for (const asked of [
      { headers: { ...headers, ...JSON_HEADERS }, body: JSON.stringify(data) },
      { headers: { 'content-type': 'application/cloudevents+json' }, body: JSON.stringify({ ...FINALIZED, data }) },
    ])
      expect(JSON.parse(await called.text({ method: 'POST', ...asked }))).toEqual({ data, context })
  })

  test('is made into a CloudEvent for functions of these, stated by a variable or by a script', async () => {
    const legacy = { eventId: '1', timestamp: 't', eventType: 'google.storage.object.finalize', data: { a: 1 } }
    const body = JSON.stringify({ ...legacy, resource: 'projects/_/buckets/b/objects/o' })
    const event = { ...FINALIZED, datacontenttype: 'application/json', data: { a: 1 } }
    for (const stated of [
      { env: { FUNCTION_SIGNATURE_TYPE: 'cloudevent', FUNCTION_TARGET: 'onFile' } },
      { format: 'gcf', platform: { signature: 'cloudevent' } },
    ]) {
      const called = await bundled({ 'index.js': 'exports.onFile = (event) => event' }, stated)
      expect(JSON.parse(await called.text({ method: 'POST', headers: JSON_HEADERS, body }))).toEqual(event)
    }
  })

  test('that is of neither kind, or broken, is answered with 400', async () => {
    const called = await bundled(exported, { env: { FUNCTION_SIGNATURE_TYPE: 'cloudevent' } })
    const broken = { eventType: 'google.storage.object.delete', resource: 'x', data: {} }
    for (const body of [{ a: 1 }, broken])
      expect((await called.call({ method: 'POST', headers: JSON_HEADERS, body: JSON.stringify(body) })).status).toBe(
        400,
      )
  })
})

test('a typed function', async () => {
  const called = await bundled({
    'index.js': `${FRAMEWORK}\nfunctions.typed('add', async ({ a, b }) => ({ sum: a + b }))`,
  })
  expect(await called.text({ method: 'POST', headers: JSON_HEADERS, body: '{"a":1,"b":2}' })).toBe('{"sum":3}')
  expect((await called.call({ method: 'POST', headers: JSON_HEADERS, body: '{' })).status).toBe(400)
})

test('of several the target says which, and without one the error does', async () => {
  const module = `${FRAMEWORK}
    functions.http('one', (req, res) => res.send('1'))
    functions.http('two', (req, res) => res.send('2'))`
  expect(await (await bundled({ 'index.js': module }, { env: { FUNCTION_TARGET: 'two' } })).text()).toBe('2')
  expect(await (await bundled({ 'index.js': module }, { handler: 'one' })).text()).toBe('1')
  const unsaid = await (await bundled({ 'index.js': module })).call()
  expect(unsaid.failure!.message).toContain('There are 2 functions: one, two. Say which one')
  const wrong = await (await bundled({ 'index.js': module }, { handler: 'three' })).call()
  expect(wrong.failure!.message).toContain('neither registers nor exports a function "three". There are: one, two')
})
