/** A version that is tried with a part of the traffic, judged by what it answers. */
import { describe, expect, it } from 'vitest'
import { ask, cli, clientOf, deployBy, deployed, saying } from './deploying.ts'
import { type GatewayUnderTest, shareGateway } from './gateway-under-test.ts'
import { eventually } from './processes.ts'

const shared = shareGateway({ functions: {} })

async function said(gateway: GatewayUnderTest, path: string, headers: Record<string, string> = {}): Promise<string> {
  return (await gateway.fetch(path, { headers })).text()
}

const versionsOf = async (gateway: GatewayUnderTest, name: string) =>
  (await ask(clientOf(gateway), 'GET', `/v1/functions/${name}/versions`)).body as unknown as {
    live: number
    canary: { version: number; percent: number; evidence: object } | null
    takenBack: { version: number; why: string } | null
  }

describe('a canary', () => {
  it('by a header has the same callers each time, and all the others have the live version', async () => {
    const gateway = shared()
    await deployed(gateway, 'byheader', saying('old'))
    const args = ['--canary', '50', '--header', 'X-User']
    expect(await deployed(gateway, 'byheader', saying('new'), args)).toMatchObject({
      live: 1,
      version: { state: 'canary' },
    })
    const users = Array.from({ length: 24 }, (_, at) => `user-${at}`)
    const ask1 = await Promise.all(users.map((user) => said(gateway, '/byheader', { 'x-user': user })))
    const ask2 = await Promise.all(users.map((user) => said(gateway, '/byheader', { 'x-user': user })))
    expect(ask2).toEqual(ask1)
    expect(new Set(ask1)).toEqual(new Set(['old old', 'new new']))
    expect(await said(gateway, '/byheader')).toBe('old old')
    expect((await gateway.statusOf('byheader')).deployed?.canary).toEqual({ version: 2, percent: 50 })
  })

  it('by calls has about its part of them, and none when it is ended', async () => {
    const gateway = shared()
    await deployed(gateway, 'bycall', saying('old'))
    await deployed(gateway, 'bycall', saying('new'), ['--canary', '50'])
    const calls = await Promise.all(Array.from({ length: 100 }, () => said(gateway, '/bycall')))
    expect(new Set(calls)).toEqual(new Set(['old old', 'new new']))
    expect((await ask(clientOf(gateway), 'DELETE', '/v1/functions/bycall/canary')).body).toMatchObject({
      canary: null,
      live: 1,
    })
    const after = await Promise.all(Array.from({ length: 50 }, () => said(gateway, '/bycall')))
    expect(new Set(after)).toEqual(new Set(['old old']))
  })

  it('that fails is taken back by itself, and that is noted', async () => {
    const gateway = shared()
    const client = clientOf(gateway)
    await deployBy(client, 'failing', saying('old'))
    const ill = { 'index.js': "export default () => new Response('ill', { status: 500 })\n" }
    const canary = { percent: 50, minCalls: 10, steps: [100], stepMs: 60_000 }
    expect((await deployBy(client, 'failing', ill, { as: 'canary', canary })).status).toBe(200)
    await eventually(async () => {
      await said(gateway, '/failing')
      return (await versionsOf(gateway, 'failing')).canary === null
    })
    expect(await versionsOf(gateway, 'failing')).toMatchObject({
      live: 1,
      canary: null,
      takenBack: { version: 2, why: expect.stringContaining('calls failed') },
    })
    expect((await cli(gateway, ['versions', 'failing'])).stdout).toContain('canary 2 was taken back at ')
    const { events } = (await ask(client, 'GET', '/v1/audit')).body as unknown as { events: Record<string, string>[] }
    const noted = events.find((event) => event.function === 'failing')
    expect(noted).toMatchObject({
      by: 'gateway',
      what: 'canary-ended',
      from: 2,
      to: 1,
      why: expect.stringContaining('calls failed'),
    })
    expect(new Set(await Promise.all(Array.from({ length: 20 }, () => said(gateway, '/failing'))))).toEqual(
      new Set(['old old']),
    )
  })

  it('that does well rises by its steps, and becomes live', async () => {
    const gateway = shared()
    const client = clientOf(gateway)
    await deployBy(client, 'rising', saying('old'))
    const canary = { percent: 20, minCalls: 3, steps: [60, 100], stepMs: 1_000, latency: 1_000 }
    await deployBy(client, 'rising', saying('new'), { as: 'canary', canary })
    const seen = new Set<number | undefined>()
    await eventually(async () => {
      await said(gateway, '/rising')
      const { live, canary: now } = await versionsOf(gateway, 'rising')
      seen.add(now?.percent)
      return live === 2
    })
    expect([...seen]).toEqual([20, 60, undefined])
    expect(await said(gateway, '/rising')).toBe('new new')
  })

  it('of the very same code is not taken back under load: it rises, and `versions` shows what it is judged by', async () => {
    const gateway = shared()
    const client = clientOf(gateway)
    await deployBy(client, 'same', saying('same'))
    // Another file, so that it is another version of the same code.
    const same = { ...saying('same'), 'note.txt': 'the same code' }
    const canary = { percent: 20, steps: [50, 100], stepMs: 1_000 }
    await deployBy(client, 'same', same, { as: 'canary', canary })
    let isOver = false
    const callers = Array.from({ length: 8 }, async () => {
      while (!isOver) await said(gateway, '/same')
    })
    try {
      let evidence: object | undefined
      await eventually(async () => {
        const report = await versionsOf(gateway, 'same')
        evidence = report.canary?.evidence ?? evidence
        expect(report.takenBack).toBe(null)
        return report.live === 2
      })
      expect(evidence).toMatchObject({
        live: { failed: 0, calls: expect.any(Number), timedCalls: expect.any(Number) },
        canary: { failed: 0 },
        verdict: expect.stringMatching(/^it /),
      })
    } finally {
      isOver = true
      await Promise.all(callers)
    }
  })
})
