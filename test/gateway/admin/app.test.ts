import { describe, expect, it } from 'vitest'
import { createAdminApp } from '../../../gateway/admin/app.ts'
import { SAMPLE_STATUS, sourceOf } from './sample-source.ts'

const guarded = createAdminApp(sourceOf(SAMPLE_STATUS))
/** Asked by somebody who has the token. */
const ready = {
  request: (path: string, { method = 'GET' } = {}) =>
    guarded.request(path, { method, headers: { authorization: 'Bearer s3cret' } }),
}

describe('health and readiness', () => {
  it('says that it is alive, ready or not', async () => {
    const response = await createAdminApp(sourceOf(SAMPLE_STATUS, false)).request('/healthz')
    expect(response.status).toBe(200)
    expect(await response.text()).toBe('{"status":"ok"}')
  })

  it('is ready once the gateway serves and 503 before', async () => {
    expect((await ready.request('/readyz')).status).toBe(200)
    expect((await createAdminApp(sourceOf(SAMPLE_STATUS, false)).request('/readyz')).status).toBe(503)
  })

  it('is answered without the token that the rest wants', async () => {
    expect((await guarded.request('/healthz')).status).toBe(200)
    expect((await guarded.request('/readyz')).status).toBe(200)
  })
})

describe('status', () => {
  it('tells the whole status as its source gives it', async () => {
    const response = await ready.request('/v1/status')
    expect(response.headers.get('content-type')).toMatch(/^application\/json/)
    expect(await response.json()).toEqual(SAMPLE_STATUS)
  })

  it('lists the functions in short', async () => {
    const { functions } = (await (await ready.request('/v1/functions')).json()) as { functions: object[] }
    expect(functions[0]).toEqual({
      name: 'hello',
      version: 3,
      bundle: 'hello-bundle',
      routes: ['/hello'],
      runtime: 'node',
      error: null,
    })
    expect(functions[1]).toMatchObject({ name: 'broken', error: { code: 'build-failed', line: 7 } })
  })

  it('tells everything about one function', async () => {
    expect(await (await ready.request('/v1/functions/hello')).json()).toEqual(SAMPLE_STATUS.functions[0])
  })

  it('answers HEAD like GET, without the body', async () => {
    const response = await ready.request('/v1/status', { method: 'HEAD' })
    expect([response.status, await response.text()]).toEqual([200, ''])
  })

  it('is never cached and never sniffed, errors included', async () => {
    for (const path of ['/healthz', '/v1/status', '/nowhere']) {
      const { headers } = await ready.request(path)
      expect(headers.get('cache-control')).toBe('no-store')
      expect(headers.get('x-content-type-options')).toBe('nosniff')
    }
  })
})

describe('what it does not serve is a problem document', () => {
  it('for an unknown function', async () => {
    const response = await ready.request('/v1/functions/nobody')
    expect(response.status).toBe(404)
    expect(response.headers.get('content-type')).toBe('application/problem+json')
    expect(await response.json()).toEqual({
      type: 'urn:wrangler-free:problem:not-found',
      title: 'There is nothing at this address',
      status: 404,
      detail: 'No function is called "nobody". /v1/functions lists those there are.',
      code: 'not-found',
      fault: 'caller',
    })
  })

  it('for an unknown path', async () => {
    const response = await ready.request('/v2/status')
    expect(await response.json()).toMatchObject({ status: 404, code: 'not-found' })
  })

  it('for another method, which it answers with 405 and Allow', async () => {
    for (const path of ['/healthz', '/v1/status', '/v1/functions/hello']) {
      const response = await ready.request(path, { method: 'POST' })
      expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
      expect(await response.json()).toMatchObject({ code: 'method-not-allowed' })
    }
  })
})

describe('the token', () => {
  it('is the one that its source has at that moment', async () => {
    const source = sourceOf(SAMPLE_STATUS)
    const app = createAdminApp(source)
    const asked = () => app.request('/v1/status', { headers: { authorization: 'Bearer another' } })
    expect((await asked()).status).toBe(401)
    source.adminToken = 'another'
    expect((await asked()).status).toBe(200)
  })

  const status = async (authorization?: string) =>
    guarded.request('/v1/status', authorization ? { headers: { authorization } } : {})

  it('opens the status', async () => {
    expect((await status('Bearer s3cret')).status).toBe(200)
    expect((await status('bearer s3cret')).status).toBe(200)
  })

  it('is asked for when it is missing, wrong, or of another scheme', async () => {
    for (const authorization of [undefined, 'Bearer s3cre', 'Bearer s3cret2', 'Bearer', 'Basic s3cret', 's3cret']) {
      const response = await status(authorization)
      expect([response.status, response.headers.get('www-authenticate')]).toEqual([401, 'Bearer'])
      expect(await response.json()).toMatchObject({ code: 'unauthorized', fault: 'caller' })
    }
  })

  it('is asked for on unknown paths too, which therefore tell nothing', async () => {
    expect((await guarded.request('/v1/functions/nobody')).status).toBe(401)
    expect((await guarded.request('/nowhere')).status).toBe(401)
  })
})
