/** The admin address as programs use it: who may what, uploads that break off, archives, what it says of itself. */
import { request } from 'node:http'
import { buffer, text } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import { pack } from 'tar-stream'
import { describe, expect, it } from 'vitest'
import { OPERATIONS } from '../../gateway/admin/operations.ts'
import { sha256 } from '../../gateway/functions/bundle-id.ts'
import { ask, cli, clientOf, deployBy, deployed, type Files, framesOf, manifestOf, saying, write } from './deploying.ts'
import { type GatewayUnderTest, shareGateway } from './gateway-under-test.ts'
import { RawConnection } from './raw-connection.ts'

const shared = shareGateway({ functions: {}, config: { deploy: { maxFiles: 100, maxSize: '1MiB' } } })

async function said(gateway: GatewayUnderTest, path: string): Promise<string> {
  return (await gateway.fetch(path)).text()
}

async function tokenFor(gateway: GatewayUnderTest, name: string, ...args: string[]): Promise<string> {
  const { stdout } = await cli(gateway, ['tokens', 'create', name, ...args])
  return stdout.trim()
}

describe('tokens', () => {
  it('may what their scope says, for the functions that they name, until they are revoked', async () => {
    const gateway = shared()
    const client = clientOf(gateway)
    await deployBy(client, 'mine', saying('one'))
    await deployBy(client, 'theirs', saying('one'))
    const reader = { ...client, token: await tokenFor(gateway, 'reader', '--scope', 'read') }
    const mine = { ...client, token: await tokenFor(gateway, 'of mine', '--functions', 'mine') }

    expect((await ask(reader, 'GET', '/v1/functions/mine/versions')).status).toBe(200)
    expect((await deployBy(reader, 'mine', saying('two'))).body).toMatchObject({ status: 403, code: 'forbidden' })
    expect((await ask(reader, 'POST', '/v1/functions/mine/live', {})).status).toBe(403)
    expect((await ask(reader, 'DELETE', '/v1/functions/mine')).status).toBe(403)

    expect((await deployBy(mine, 'mine', saying('two'))).status).toBe(200)
    for (const [method, path, body] of [
      ['POST', '/v1/functions/theirs/uploads', manifestOf(saying('two'))],
      ['POST', '/v1/functions/theirs/archive', ''],
      ['POST', '/v1/functions/theirs/live', {}],
      ['DELETE', '/v1/functions/theirs/canary', undefined],
      ['DELETE', '/v1/functions/theirs', undefined],
      ['GET', '/v1/functions/theirs', undefined],
      ['GET', '/v1/tokens', undefined],
      ['POST', '/v1/tokens', { name: 'more', scope: 'admin' }],
      ['GET', '/v1/audit', undefined],
    ] as const)
      expect([method, path, (await ask(mine, method, path, body)).status]).toEqual([method, path, 403])
    const { functions } = (await ask(mine, 'GET', '/v1/status')).body as unknown as { functions: { name: string }[] }
    expect(functions.map(({ name }) => name)).toEqual(['mine'])

    expect((await cli(gateway, ['tokens', 'revoke', 'of mine'])).code).toBe(0)
    expect((await ask(mine, 'GET', '/v1/status')).status).toBe(401)
    expect((await ask({ ...client, token: 'wf_made-up' }, 'GET', '/v1/status')).status).toBe(401)
  })

  it('that may deploy run nothing with the rights of the gateway', async () => {
    const gateway = shared()
    const client = { ...clientOf(gateway), token: await tokenFor(gateway, 'scripts') }
    const base = '/v1/functions/scripts/uploads'
    const files = saying('scripts')
    const begun = await ask(client, 'POST', base, { ...manifestOf(files), install: 'with-scripts' })
    const { upload } = begun.body as unknown as { upload: string }
    await ask(client, 'POST', `${base}/${upload}/files`, framesOf(Object.values(files)), 'application/octet-stream')
    const refused = await ask(client, 'POST', `${base}/${upload}/finish`, {})
    expect(refused.body).toMatchObject({ status: 403, code: 'forbidden' })
  })

  it('for one function take no calls of another, by no route', async () => {
    const gateway = shared()
    const client = clientOf(gateway)
    await deployBy(client, 'victim', saying('victim'))
    const bound = { ...client, token: await tokenFor(gateway, 'bound', '--functions', 'greedy') }
    for (const route of ['/victim/*', '/victim', '/greedyother', '/:anything']) {
      const greedy = { ...saying('greedy'), 'function.json': JSON.stringify({ routes: [route] }) }
      expect((await deployBy(bound, 'greedy', greedy)).body).toMatchObject({ status: 403, code: 'forbidden' })
    }
    expect(await said(gateway, '/victim')).toBe('victim victim')
    const modest = { ...saying('modest'), 'function.json': JSON.stringify({ routes: ['/greedy/:id'] }) }
    expect((await deployBy(bound, 'greedy', modest)).status).toBe(200)
    const wide = { ...saying('wide'), 'function.json': JSON.stringify({ routes: ['/elsewhere'] }) }
    expect((await deployBy(client, 'greedy', wide)).status).toBe(200)
    expect(await said(gateway, '/elsewhere')).toBe('wide wide')
  })

  it('that are wrong end the command with a word of what to do', async () => {
    const gateway = shared()
    const folder = write(gateway, 'refused', saying('x'))
    const wrong = await cli(gateway, ['deploy', folder], 'wf_wrong')
    expect([wrong.code, wrong.stderr]).toEqual([77, expect.stringContaining('does not know this token')])
    const reader = await tokenFor(gateway, 'only reads', '--scope', 'read')
    const forbidden = await cli(gateway, ['deploy', folder], reader)
    expect([forbidden.code, forbidden.stderr]).toEqual([
      77,
      expect.stringContaining('may read, and this takes one that may deploy'),
    ])
  })

  it('are named in the audit log, with what was changed', async () => {
    const gateway = shared()
    const ci = { ...clientOf(gateway), token: await tokenFor(gateway, 'audited') }
    await deployBy(ci, 'noted', saying('one'))
    await deployBy(ci, 'noted', saying('two'))
    await ask(ci, 'POST', '/v1/functions/noted/live', {})
    await deployBy(ci, 'noted', { 'index.js': 'no code {' })
    const { stdout } = await cli(gateway, ['audit', '--json', '--limit', '5'])
    const events = JSON.parse(stdout).map(({ at: _, why: __, ...event }: Record<string, unknown>) => event)
    const by = { by: 'audited', function: 'noted' }
    expect(events).toEqual([
      { ...by, what: 'deploy-failed', from: 1, to: null },
      { ...by, what: 'rollback', from: 2, to: 1 },
      { ...by, what: 'deploy', from: 1, to: 2 },
      { ...by, what: 'deploy', from: null, to: 1 },
      { by: 'admin', what: 'token-created', function: null, from: null, to: null },
    ])
  })
})

describe('an upload', () => {
  it('whose connection is lost goes on where it was', async () => {
    const gateway = shared()
    const client = clientOf(gateway)
    const files: Files = { ...saying('whole'), 'large.bin': 'x'.repeat(200_000), 'other.bin': 'y'.repeat(200_000) }
    const base = '/v1/functions/broken/uploads'
    const begun = (await ask(client, 'POST', base, manifestOf(files))).body as unknown as {
      upload: string
      missing: string[]
    }
    expect(begun.missing).toHaveLength(4)

    const frames = framesOf([files['index.js']!, files['words.txt']!, files['large.bin']!, files['other.bin']!])
    const connection = await RawConnection.open(gateway.adminAddress)
    const head = `POST ${base}/${begun.upload}/files HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${client.token}\r\ncontent-length: ${frames.length}\r\n\r\n`
    connection.send(head).send(frames.subarray(0, frames.length - 100_000))
    const isThere = async (): Promise<string[]> =>
      ((await ask(client, 'POST', base, manifestOf(files))).body as unknown as { missing: string[] }).missing
    for (;;) if ((await isThere()).length === 1) break
    connection.socket.destroy()

    expect(await isThere()).toEqual([sha256(files['other.bin']!)])
    const early = await ask(client, 'POST', `${base}/${begun.upload}/finish`, {})
    expect(early.body).toMatchObject({ code: 'unacceptable-upload', detail: expect.stringContaining('1 of its files') })
    const rest = framesOf([files['other.bin']!])
    await ask(client, 'POST', `${base}/${begun.upload}/files`, rest, 'application/octet-stream')
    expect((await ask(client, 'POST', `${base}/${begun.upload}/finish`, {})).status).toBe(200)
    expect(await said(gateway, '/broken')).toBe('whole whole')
  })

  it('that two clients send at the same time is finished by both', async () => {
    const gateway = shared()
    const client = clientOf(gateway)
    const base = '/v1/functions/twins/uploads'
    const begin = () => ask(client, 'POST', base, manifestOf(saying('twins')))
    const [{ upload }] = (await Promise.all([begin(), begin()])).map(({ body }) => body) as unknown as [
      { upload: string },
    ]
    const frames = framesOf(Object.values(saying('twins')))
    await ask(client, 'POST', `${base}/${upload}/files`, frames, 'application/octet-stream')
    const finish = () => ask(client, 'POST', `${base}/${upload}/finish`, {})
    expect((await finish()).body).toMatchObject({ live: 1, isUnchanged: false })
    expect((await finish()).body).toMatchObject({ live: 1, isUnchanged: true })
    expect((await finish()).status).toBe(404)
  })

  it('that nobody began is none', async () => {
    const client = clientOf(shared())
    const base = `/v1/functions/hello/uploads/${'0'.repeat(40)}`
    expect((await ask(client, 'POST', `${base}/files`, 'x', 'application/octet-stream')).status).toBe(404)
    expect((await ask(client, 'POST', `${base}/finish`, {})).status).toBe(404)
  })

  const file = { path: 'index.js', bytes: 1, sha256: sha256('x') }
  it.each<[what: string, body: unknown, status: number]>([
    ['that is no JSON', '{', 400],
    ['without files', { files: [] }, 422],
    ['with a link', { files: [{ ...file, link: '/etc/passwd' }] }, 400],
    ['with another type', { files: [{ ...file, type: 'device' }] }, 400],
    ['with a hash that is a path', { files: [{ ...file, sha256: '../../../../admin.json' }] }, 400],
    ['with a negative size', { files: [{ ...file, bytes: -1 }] }, 400],
    ['with a path that leads out', { files: [{ ...file, path: '../index.js' }] }, 422],
    ['with an absolute path', { files: [{ ...file, path: '/index.js' }] }, 422],
    ['with names that differ in case only', { files: [file, { ...file, path: 'INDEX.js' }] }, 422],
    ['with the same name twice', { files: [file, file] }, 422],
    ['with absurd depth', { files: [{ ...file, path: `${'a/'.repeat(100)}b` }] }, 422],
    ['with too many files', { files: Array.from({ length: 101 }, (_, at) => ({ ...file, path: `f${at}` })) }, 413],
    ['that is too large', { files: [{ ...file, bytes: 2 ** 21 }] }, 413],
  ])('%s is refused', async (_, body, status) => {
    const answer = await ask(clientOf(shared()), 'POST', '/v1/functions/hostile/uploads', body)
    expect([answer.status, answer.body.code]).toEqual([status, expect.any(String)])
  })

  it.each(['..', '.hidden', '_x', 'a%2Fb', '%2e%2e%2fx', 'a@1', `${'a'.repeat(64)}`])(
    'for the name %s is refused',
    async (name) => {
      const answer = await ask(clientOf(shared()), 'POST', `/v1/functions/${name}/uploads`, manifestOf(saying('x')))
      expect([404, 422]).toContain(answer.status)
    },
  )
})

describe('an archive', () => {
  async function tgz(files: Files): Promise<Buffer> {
    const archive = pack()
    for (const [name, content] of Object.entries(files)) archive.entry({ name: `folder/${name}` }, content)
    archive.finalize()
    return gzipSync(await buffer(archive as never))
  }

  it('is deployed with one request, and is the same version as its folder', async () => {
    const gateway = shared()
    const client = clientOf(gateway)
    const sent = await ask(
      client,
      'POST',
      '/v1/functions/curled/archive',
      await tgz(saying('curled')),
      'application/gzip',
    )
    expect(sent.body).toMatchObject({ live: 1, version: { state: 'live' } })
    expect(await said(gateway, '/curled')).toBe('curled curled')
    expect(await deployed(gateway, 'curled', saying('curled'))).toMatchObject({ live: 1, isUnchanged: true })
    const preview = await ask(client, 'POST', '/v1/functions/curled/archive?as=preview', await tgz(saying('next')))
    expect(preview.body).toMatchObject({ live: 1, version: { number: 2, state: 'kept' } })
  })

  it('that is not accepted is answered with what is wrong, and why', async () => {
    const client = clientOf(shared())
    const bomb = gzipSync(Buffer.alloc(20_000_000))
    const answer = await ask(client, 'POST', '/v1/functions/bomb/archive', bomb, 'application/gzip')
    expect([413, 422]).toContain(answer.status)
    const broken = await ask(client, 'POST', '/v1/functions/bomb/archive', await tgz({ 'index.js': 'no code {' }))
    expect(broken.body).toMatchObject({ status: 422, fault: 'function', code: 'build-failed' })
    expect((await ask(client, 'GET', '/v1/functions/bomb/versions')).status).toBe(404)
  })
})

describe('what it says of itself', () => {
  it('has every operation, with what it takes and answers', async () => {
    const { body } = await ask(clientOf(shared()), 'GET', '/v1/openapi.json')
    const { openapi, paths } = body as unknown as { openapi: string; paths: Record<string, Record<string, never>> }
    expect(openapi).toBe('3.1.0')
    const listed = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((one) => `${one} ${path}`),
    )
    const known = Object.values(OPERATIONS).map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, '{$1}')}`)
    expect(listed.sort()).toEqual(known.sort())
    const { requestBody } = paths['/v1/functions/{name}/uploads']!.post! as {
      requestBody: {
        content: { 'application/json': { schema: { properties: { files: object }; additionalProperties: false } } }
      }
    }
    const { schema } = requestBody.content['application/json']
    expect(schema.additionalProperties).toBe(false)
    expect(schema.properties.files).toMatchObject({ type: 'array', items: { required: ['path', 'bytes', 'sha256'] } })
    expect(JSON.stringify(body)).not.toContain('$ref')
  })

  it('is true: each operation is there, and none without a token', async () => {
    const client = clientOf(shared())
    for (const { method, path, scope } of Object.values(OPERATIONS)) {
      const target = path.replace(/:\w+/g, 'nobody')
      const without = await ask({ ...client, token: '' }, method.toUpperCase(), target)
      expect([path, without.status]).toEqual([path, scope === null ? 200 : 401])
      const within = await ask(client, method.toUpperCase(), target)
      expect([path, within.status === 405]).toEqual([path, false])
    }
  })
})

describe('progress', () => {
  it('is told line by line, where that is asked for, and ends with how it went', async () => {
    const client = clientOf(shared())
    const lines = async (files: Files): Promise<Record<string, never>[]> => {
      const base = '/v1/functions/lines/uploads'
      const { upload } = (await ask(client, 'POST', base, manifestOf(files))).body as unknown as { upload: string }
      await ask(client, 'POST', `${base}/${upload}/files`, framesOf(Object.values(files)), 'application/octet-stream')
      const headers = { authorization: `Bearer ${client.token}`, accept: 'application/x-ndjson' }
      const told = await new Promise<string>((resolve, reject) => {
        const sent = request(`${client.url}${base}/${upload}/finish`, { method: 'POST', headers }, (response) =>
          resolve(text(response)),
        )
        sent.on('error', reject).end()
      })
      return told
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line))
    }
    const well = await lines(saying('lines'))
    expect(well.map((line) => line.step ?? Object.keys(line)[0])).toEqual([
      'verify',
      'build',
      'boot',
      'switch',
      'deployment',
    ])
    const badly = await lines({ 'index.js': 'no code {' })
    expect(badly.at(-1)).toMatchObject({
      problem: { code: 'build-failed', fault: 'function' },
      frame: expect.stringContaining('index.js:1'),
    })
  })
})
