/**
 * What a function in a sandbox may use: the same as any other, although its worker is another process's child, has numbers of its
 * own and, where the gateway is the superuser's, is another user. Also where there are no cgroups.
 */

import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { noSandboxBecause } from '../../warmpool/sandbox/available.ts'
import { shareGateway } from './gateway-under-test.ts'
import { IS_SUPERUSER, ORDINARY_USER } from './ordinary-user.ts'
import { descendants } from './processes.ts'

const GREEDY = `
import { spawn } from 'node:child_process'
import { openSync, closeSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { setTimeout } from 'node:timers/promises'
const MIB = Buffer.alloc(1024 * 1024, 1)
const kept = []
const WAYS = {
  buffers: async () => {
    for (let at = 0; at < 400; at++) {
      kept.push(Buffer.from(MIB))
      if (at % 20 === 0) await setTimeout(50)
    }
  },
  'memory of children': () => {
    const hog = "x=x; while :; do x=$x$x; [ \${#x} -lt 60000000 ] || exec sleep 1000; done"
    for (let at = 0; at < 4; at++) spawn('sh', ['-c', hog.replace('exec sleep', 'sleep')], { detached: true, stdio: 'ignore' })
  },
  processes: () => {
    for (let at = 0; at < 60; at++) spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' }).on('error', () => {})
  },
  'processor time': () => {
    for (;;);
  },
  'processor time of a child': () => void spawn('sh', ['-c', 'while :; do :; done'], { detached: true, stdio: 'ignore' }),
  files: () => {
    for (let at = 0; at < 30; at++) writeFileSync(tmpdir() + '/' + at, MIB)
  },
}
export default async (request) => {
  const how = decodeURIComponent(new URL(request.url).search.slice(1))
  try {
    if (how === 'one file') for (let at = 0; at < 30; at++) writeFileSync(tmpdir() + '/one', MIB, { flag: 'a' })
    if (how === 'open files') for (;;) kept.push(openSync('/dev/null'))
    await WAYS[how]()
  } catch (error) {
    if (how === 'open files') for (const file of kept.splice(0)) closeSync(file)
    return new Response(error.code)
  }
  await setTimeout(60_000)
}
`
const LIMITS = { memory: '200MiB', processes: 40, cpuTime: '2s', disk: '20MiB', openFiles: 64 }

const CASES = [
  { title: 'with cgroups, where there are any', cgroups: 'auto' },
  { title: 'without cgroups', cgroups: 'never' },
  ...(ORDINARY_USER === null ? [] : [{ title: 'of an ordinary user', cgroups: 'auto', user: ORDINARY_USER }]),
]

for (const { title, cgroups, user } of CASES)
  describe.skipIf(noSandboxBecause('all') !== null)(`in a sandbox ${title}`, () => {
    const gateway = shareGateway({
      functions: { greedy: GREEDY },
      config: {
        defaults: { isolation: 'sandbox', concurrency: 1 },
        overrides: { greedy: { limits: LIMITS } },
        pool: { cgroups },
      },
      ...(user === undefined ? {} : { user }),
    })

    it.runIf(IS_SUPERUSER && user === undefined)('its user may have few processes more than it may', async () => {
      await gateway().fetch('/greedy?open files')
      const [first] = (await gateway().statusOf('greedy')).workers
      for (const pid of descendants(first!.pid))
        expect(readFileSync(`/proc/${pid}/limits`, 'latin1')).toMatch(/^Max processes +48 +48 /m)
    })

    it.each([
      ['buffers', 'out-of-memory'],
      ['memory of children', 'out-of-memory'],
      ['processes', 'too-many-processes'],
      ['processor time', 'out-of-cpu-time'],
      ['processor time of a child', 'out-of-cpu-time'],
      ['files', 'out-of-disk'],
    ])('too much is told to the caller: %s', async (how, code) => {
      expect(await gateway().problem(`/greedy?${encodeURIComponent(how)}`)).toMatchObject({ code, fault: 'function' })
    })

    it.each([
      ['one file', 'EFBIG'],
      ['open files', 'EMFILE'],
    ])('too much is told to the function: %s', async (how, code) => {
      expect(await (await gateway().fetch(`/greedy?${encodeURIComponent(how)}`)).text()).toBe(code)
    })
  })
