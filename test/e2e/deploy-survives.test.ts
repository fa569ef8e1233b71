/** What was deployed, after the gateway was stopped, was killed at whatever moment, or found its files damaged. */
import { chmodSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { FunctionReport } from '../../gateway/admin/status.ts'
import { ask, clientOf, deployBy, saying, temporaryFolder } from './deploying.ts'
import { type GatewayUnderTest, startGateway } from './gateway-under-test.ts'
import { eventually } from './processes.ts'

const start = (state: string, config: object = {}): Promise<GatewayUnderTest> =>
  startGateway({ functions: {}, config: { state, ...config } })

interface Versions {
  readonly live: number
  readonly previous: number | null
  readonly versions: readonly { readonly number: number; readonly id: string }[]
}

async function versionsOf(gateway: GatewayUnderTest, state: string, name: string): Promise<Versions> {
  const { body } = await ask(clientOf(gateway, state), 'GET', `/v1/functions/${name}/versions`)
  return body as unknown as Versions
}

interface Audit {
  readonly events: readonly object[]
}

interface OnDisk {
  readonly versions: readonly { id: string; key: string; bundle: string; source: { file: string | null } }[]
}

function recordOf(state: string, name: string): OnDisk {
  return JSON.parse(readFileSync(join(state, 'deploy/functions', name, 'record.json'), 'utf8')) as OnDisk
}

describe('a folder that brings its own native package, deployed under two names', () => {
  it('answers under both after a restart, and under the first when the second is removed', async () => {
    const state = temporaryFolder()
    const files = {
      'index.js': "import words from 'nat'\nexport default () => new Response(words)\n",
      'node_modules/nat/package.json': '{ "name": "nat", "version": "1.0.0", "gypfile": true, "main": "main.js" }',
      'node_modules/nat/main.js': "module.exports = 'of the package'\n",
    }
    const first = await start(state)
    for (const name of ['one', 'two']) await deployBy(clientOf(first, state), name, files)
    const isAnswered = async (gateway: GatewayUnderTest, name: string) =>
      expect(await (await gateway.fetch(`/${name}`)).text()).toBe('of the package')
    for (const name of ['one', 'two']) await isAnswered(first, name)
    await first.stop()

    const second = await start(state)
    for (const name of ['one', 'two']) await isAnswered(second, name)
    await ask(clientOf(second, state), 'DELETE', '/v1/functions/two')
    await second.stop()

    const third = await start(state)
    await isAnswered(third, 'one')
  })
})

describe('a restart', () => {
  it('serves what was live, without building, with its versions and tokens', async () => {
    const state = temporaryFolder()
    const first = await start(state)
    const client = clientOf(first, state)
    for (const words of ['one', 'two', 'three']) await deployBy(client, 'kept', saying(words))
    await ask(client, 'POST', '/v1/functions/kept/live', { version: '2' })
    const { token } = (await ask(client, 'POST', '/v1/tokens', { name: 'ci', scope: 'deploy' })).body as unknown as {
      token: string
    }
    const bundles = readdirSync(join(state, 'bundles')).sort()
    await first.stop()
    // What would have to be built again could not be.
    for (const id of readdirSync(join(state, 'deploy/functions/kept')).filter((name) => name !== 'record.json'))
      breakFile(join(state, 'deploy/functions/kept', id, 'kept/index.js'), 'no code {')

    const second = await start(state, { overrides: { kept: { minWorkers: 1 } } })
    const report = (await ask(clientOf(second, state), 'GET', '/v1/functions/kept')).body as unknown as FunctionReport
    expect(report.workers).toHaveLength(1)
    expect(await (await second.fetch('/kept')).text()).toBe('two two')
    expect(await versionsOf(second, state, 'kept')).toMatchObject({ live: 2, previous: 3 })
    expect(readdirSync(join(state, 'bundles')).sort()).toEqual(bundles)
    const ci = { url: second.adminAddress, token }
    expect((await ask(ci, 'POST', '/v1/functions/kept/live', {})).body).toMatchObject({ live: 3 })
    expect(await (await second.fetch('/kept')).text()).toBe('three three')
  })
})

describe('files that were damaged', () => {
  async function damaged(alsoUpload: boolean, config: object = {}) {
    const state = temporaryFolder()
    const first = await start(state)
    await deployBy(clientOf(first, state), 'hurt', saying('whole'))
    const { versions } = await versionsOf(first, state, 'hurt')
    await first.stop()
    const [bundle] = readdirSync(join(state, 'bundles'))
    breakFile(
      join(state, 'bundles', bundle!, 'bundle.mjs'),
      "export default () => new Response('not what was deployed')",
    )
    if (alsoUpload) breakFile(join(state, 'deploy/functions/hurt', versions[0]!.id, 'hurt/words.txt'), 'bent')
    return { state, gateway: await start(state, config) }
  }

  it('are found by their hash, said, and built again from what was uploaded', async () => {
    const { gateway, state } = await damaged(false, { overrides: { hurt: { minWorkers: 1 } } })
    await gateway.logged(({ msg, function: name }) => name === 'hurt' && msg.includes('is damaged on the disk'))
    await gateway.logged(({ msg }) => msg.includes('built again'))
    expect(await (await gateway.fetch('/hurt')).text()).toBe('whole whole')
    const [bundle] = readdirSync(join(state, 'bundles'))
    expect(readFileSync(join(state, 'bundles', bundle!, 'bundle.mjs'), 'utf8')).not.toContain('not what was deployed')
  })

  it.for(['live', 'preview'])(
    'are not run where what was uploaded is damaged as well, until it is deployed again: as %s',
    async (as) => {
      const { gateway, state } = await damaged(true)
      await gateway.logged(({ msg }) => msg.includes('damaged, too'))
      expect(await gateway.problem('/hurt')).toMatchObject({ status: 503, code: 'corrupted', fault: 'platform' })
      const again = await deployBy(clientOf(gateway, state), 'hurt', saying('whole'), { as })
      expect(again.body).toMatchObject({ isUnchanged: false, live: 2 })
      expect(await (await gateway.fetch('/hurt')).text()).toBe('whole whole')
      expect(recordOf(state, 'hurt')).toMatchObject({ live: 2, previous: null, versions: [{ number: 2 }] })
    },
  )
})

describe('a version beside the live one', () => {
  const hurt = (state: string, name: string, number: number, alsoUpload: boolean): void => {
    const { versions } = recordOf(state, name)
    const { id, bundle } = versions[number - 1]!
    breakFile(join(state, 'bundles', bundle, 'bundle.mjs'), "export default () => new Response('damaged')")
    if (alsoUpload) breakFile(join(state, 'deploy/functions', name, id, name, 'words.txt'), 'bent')
  }

  it('that is a canary and damaged is built again, or taken back', async () => {
    const state = temporaryFolder()
    const first = await start(state)
    for (const name of ['mended', 'lost']) {
      await deployBy(clientOf(first, state), name, saying('live'))
      // Words of its own: files with the same content are the same file.
      await deployBy(clientOf(first, state), name, saying(name), { as: 'canary', canary: { percent: 99 } })
    }
    await first.stop()
    hurt(state, 'mended', 2, false)
    hurt(state, 'lost', 2, true)

    const second = await start(state)
    const answers = async (name: string): Promise<Set<string>> =>
      new Set(await Promise.all(Array.from({ length: 20 }, async () => (await second.fetch(`/${name}`)).text())))
    expect([...(await answers('mended'))]).toContain('mended mended')
    expect(await answers('mended')).not.toContain('damaged')
    expect([...(await answers('lost'))]).toEqual(['live live'])
    expect(recordOf(state, 'lost')).toMatchObject({ live: 1, canary: null })
    const { events } = (await ask(clientOf(second, state), 'GET', '/v1/audit?limit=1')).body as unknown as Audit
    expect(events).toMatchObject([{ by: 'gateway', what: 'canary-ended', function: 'lost', from: 2, to: 1 }])
  })

  it('is read before it is called, and is not run when it is damaged', async () => {
    const state = temporaryFolder()
    const first = await start(state)
    for (const words of ['one', 'two', 'three']) await deployBy(clientOf(first, state), 'read', saying(words))
    const [one, two] = recordOf(state, 'read').versions
    await first.stop()
    hurt(state, 'read', 1, false)

    const second = await start(state)
    expect(await second.problem(`/read@${one!.key}/`)).toMatchObject({ status: 503, code: 'corrupted' })
    const many = Array.from({ length: 10 }, async () => (await second.fetch(`/read@${two!.key}/`)).text())
    expect(new Set(await Promise.all(many))).toEqual(new Set(['two two']))
    expect(await (await second.fetch('/read')).text()).toBe('three three')
  })

  it('that this gateway cannot run any longer says so to whoever calls it, and to nobody else', async () => {
    const state = temporaryFolder()
    const first = await start(state)
    for (const words of ['one', 'two']) await deployBy(clientOf(first, state), 'odd', saying(words))
    await first.stop()
    // As after a runtime was taken out of the configuration.
    const record = recordOf(state, 'odd')
    record.versions[0]!.source.file = '{ "runtime": "none-such" }'
    writeFileSync(join(state, 'deploy/functions/odd/record.json'), JSON.stringify(record))

    const second = await start(state)
    const pinned = { headers: { 'wrangler-free-version': record.versions[0]!.key } }
    expect(await second.problem('/odd', pinned)).toMatchObject({ code: 'build-failed' })
    expect((await second.problem(`/odd@${record.versions[0]!.key}/`)).detail).toContain('"none-such"')
    expect(await (await second.fetch('/odd')).text()).toBe('two two')
  })
})

it('a function that is removed stays so, where its files cannot be', async () => {
  const state = temporaryFolder()
  const first = await start(state)
  await deployBy(clientOf(first, state), 'away', saying('away'))
  // Where everything is moved that is about to be removed.
  rmSync(join(state, 'tmp'), { recursive: true })
  writeFileSync(join(state, 'tmp'), '')
  expect((await ask(clientOf(first, state), 'DELETE', '/v1/functions/away')).status).toBe(200)
  expect((await first.problem('/away')).code).toBe('not-found')
  await first.stop()
  rmSync(join(state, 'tmp'))

  const second = await start(state)
  expect((await second.problem('/away')).code).toBe('not-found')
})

describe('a record that cannot be read', () => {
  it.each([
    ['of another layout', '{ "layout": 2, "name": "kept" }'],
    ['half there', '{ "layout": 1, "name": "kept" }'],
  ])('because it is %s keeps what was uploaded, and is served again when it can be', async (_, text) => {
    const state = temporaryFolder()
    const first = await start(state)
    for (const words of ['one', 'two']) await deployBy(clientOf(first, state), 'kept', saying(words))
    await deployBy(clientOf(first, state), 'other', saying('other'))
    await first.stop()
    const path = join(state, 'deploy/functions/kept/record.json')
    const whole = readFileSync(path, 'utf8')
    writeFileSync(path, text)

    const second = await start(state)
    await second.logged(({ msg, function: name }) => name === 'kept' && msg.includes('record cannot be read'))
    expect((await second.problem('/kept')).code).toBe('not-found')
    expect(await (await second.fetch('/other')).text()).toBe('other other')
    // Its sweep is over when a later deployment of the same name has had its turn.
    expect((await deployBy(clientOf(second, state), 'kept', { 'index.js': 'export default {' })).status).toBe(422)
    await second.stop()
    writeFileSync(path, whole)

    const third = await start(state)
    expect(await (await third.fetch('/kept')).text()).toBe('two two')
  })
})

/** How long a deployment takes, about, of which each kill takes another moment. */
const KILLS = 12
const APART_MS = 12

describe('a gateway that is killed amid a deployment', () => {
  it('leaves the old version or the new one, whole, and goes on from there', { timeout: 240_000 }, async () => {
    const state = temporaryFolder()
    const seen = new Set<string>()
    let gateway = await start(state)
    expect((await deployBy(clientOf(gateway, state), 'torn', saying('0'))).status).toBe(200)
    for (let at = 1; at <= KILLS; at++) {
      const deploying = deployBy(clientOf(gateway, state), 'torn', saying(String(at))).catch(() => null)
      await new Promise((resolve) => setTimeout(resolve, at * APART_MS))
      gateway.signal('SIGKILL')
      const wasTold = (await deploying)?.status === 200
      await gateway.exited

      gateway = await start(state)
      const answer = await (await gateway.fetch('/torn')).text()
      const [code, data] = answer.split(' ')
      expect(code).toBe(data)
      const { live, versions } = await versionsOf(gateway, state, 'torn')
      expect(versions.map(({ number }) => number)).toContain(live)
      if (wasTold) expect(code).toBe(String(at))
      seen.add(code === String(at) ? 'new' : 'old')
      // Nothing of what did not come to its end stays.
      const known = ['record.json', ...versions.map(({ id }) => id)].sort()
      const folder = join(state, 'deploy/functions/torn')
      await eventually(() => JSON.stringify(readdirSync(folder).sort()) === JSON.stringify(known))
      await eventually(() => readdirSync(join(state, 'bundles')).length === versions.length)
      // And it is deployed from there.
      expect((await deployBy(clientOf(gateway, state), 'torn', saying(`after ${at}`.replace(' ', '-')))).status).toBe(
        200,
      )
      expect(await (await gateway.fetch('/torn')).text()).toBe(`after-${at} after-${at}`)
    }
    expect(seen.has('old')).toBe(true)
  })
})

function breakFile(path: string, content: string): void {
  chmodSync(path, 0o644)
  writeFileSync(path, content)
}
