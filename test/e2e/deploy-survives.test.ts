/** What was deployed, after the gateway was stopped, was killed at whatever moment, or found its files damaged. */
import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
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

  it('are not run where what was uploaded is damaged as well, until it is deployed again', async () => {
    const { gateway, state } = await damaged(true)
    await gateway.logged(({ msg }) => msg.includes('damaged, too'))
    expect(await gateway.problem('/hurt')).toMatchObject({ status: 503, code: 'corrupted', fault: 'platform' })
    expect((await deployBy(clientOf(gateway, state), 'hurt', saying('whole'))).body).toMatchObject({
      isUnchanged: false,
    })
    expect(await (await gateway.fetch('/hurt')).text()).toBe('whole whole')
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
