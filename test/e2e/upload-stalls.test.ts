/**
 * What somebody who may deploy can make the gateway's event loop do. Sizes and counts are bounded before anything is
 * parsed, and the rest happens in other processes and threads, so neighbours are answered meanwhile.
 */
import { describe, expect, it } from 'vitest'
import { ask, clientOf, deployBy, type Files } from './deploying.ts'
import { shareGateway } from './gateway-under-test.ts'

const shared = shareGateway({ functions: { near: "export default () => new Response('near')\n" } })
const CODE = { 'index.js': "export default () => new Response('x')\n" }
const MIB = 1024 * 1024

/** Calls the neighbour without a pause until `work` is done, and returns what that gave and how often it answered. */
async function meanwhile<T>(work: Promise<T>): Promise<{ readonly result: T; readonly answers: number }> {
  let isOver = false
  let answers = 0
  const over = work.finally(() => {
    isOver = true
  })
  while (!isOver) {
    expect(await (await shared().fetch('/near')).text()).toBe('near')
    answers++
  }
  return { result: await over, answers }
}

const unknownKeys = (bytes: number): string =>
  JSON.stringify(Object.fromEntries(Array.from({ length: bytes / 16 }, (_, at) => [`key-${at}`.padEnd(11), 1])))

const HOSTILE: Readonly<Record<string, Files>> = {
  'function.json of 1 MB of unknown keys': { ...CODE, 'function.json': unknownKeys(MIB) },
  'function.json of 20 MB': { ...CODE, 'function.json': unknownKeys(20 * MIB) },
  'function.json with a thousand unknown keys': { ...CODE, 'function.json': unknownKeys(16_000) },
  'function.json of 1.8 million routes': { ...CODE, 'function.json': `{"routes":[${'"/a",'.repeat(1_800_000)}"/b"]}` },
  'function.json with more routes than anybody has': {
    ...CODE,
    'function.json': `{"routes":[${'"/a",'.repeat(1_001)}"/b"]}`,
  },
  'function.json that is deep': { ...CODE, 'function.json': `{"env":${'['.repeat(20_000)}${']'.repeat(20_000)}}` },
  'package.json of 10 MB': { ...CODE, 'package.json': `{"dependencies":${unknownKeys(10 * MIB)}}` },
}

describe('a hostile upload', () => {
  it.each(Object.entries(HOSTILE))('%s is refused, and neighbours are answered', async (what, files) => {
    const name = what.replaceAll(/[^a-z0-9]/g, '-')
    const { result, answers } = await meanwhile(deployBy(clientOf(shared()), name, files))
    expect([result.status, result.body.code]).toEqual([422, 'build-failed'])
    expect(result.body.detail!.length).toBeLessThan(20_000)
    expect(answers).toBeGreaterThan(3)
  })

  it('names the first mistakes of many, and what was meant by them', async () => {
    const keys = ['timout', ...Array.from({ length: 1_000 }, (_, at) => `k${at}`)]
    const file = JSON.stringify(Object.fromEntries(keys.map((key) => [key, 1])))
    const { body } = await deployBy(clientOf(shared()), 'many', { ...CODE, 'function.json': file })
    expect(body.detail).toContain('has 50 or more mistakes')
    expect(body.detail).toContain('did you mean "timeout"?')
    expect(body.detail).not.toContain('k999')
  })
})

describe('a hostile manifest', () => {
  const begin = (body: string) => ask(clientOf(shared()), 'POST', '/v1/functions/listed/uploads', body)

  it.each([
    ['of numbers', `{"files":[${'1,'.repeat(4_000_000)}1]}`, 413],
    ['of unknown keys', `{${Array.from({ length: 400_000 }, (_, at) => `"key-${at}":1`)}}`, 400],
    ['that is nested', `{"files":[${'['.repeat(4_000_000)}${']'.repeat(4_000_000)}]}`, 400],
    ['that is no JSON', 'x'.repeat(8 * MIB), 400],
    ['longer than any may be', 'x'.repeat(32 * MIB), 413],
  ])('%s is refused, and neighbours are answered', async (_what, body, status) => {
    const { result, answers } = await meanwhile(begin(body))
    expect([result.status, result.body.detail]).toEqual([status, expect.any(String)])
    // What is refused by its length is not waited for: a few calls fit into that time at most.
    expect(answers).toBeGreaterThan(status === 413 ? 0 : 3)
  })

  it('of as many files as there may be is taken, and neighbours are answered', async () => {
    const files = Array.from({ length: 20_000 }, (_, at) => {
      return {
        path: `node_modules/package-${at % 300}/lib/module-${at}.js`,
        bytes: 1,
        sha256: String(at).padStart(64, 'a'),
      }
    })
    const { result, answers } = await meanwhile(begin(JSON.stringify({ files })))
    expect(result.status).toBe(200)
    expect(answers).toBeGreaterThan(3)
  })
})
