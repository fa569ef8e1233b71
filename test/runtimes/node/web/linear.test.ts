/** Issue 14, E7: no public class of web/ does more than linear work with the number of fields. */
import { Session } from 'node:inspector/promises'
import { afterAll, expect, test } from 'vitest'
import { IncomingBody } from '../../../../warmpool/runtimes/node/incoming-body.ts'
import { LazyHeaders } from '../../../../warmpool/runtimes/node/web/headers.ts'
import { LazyRequest } from '../../../../warmpool/runtimes/node/web/request.ts'
import { LazyResponse, toOutgoing } from '../../../../warmpool/runtimes/node/web/response.ts'
import './twins.ts'

type Pairs = [string, string][]

const SMALL = 1_000
const TIMES = 10
const MOST = 12

function filled(pairs: Pairs): LazyHeaders {
  const headers = new LazyHeaders()
  for (const [name, value] of pairs) headers.append(name, value)
  return headers
}

function requestWith(pairs: Pairs): LazyRequest {
  const lines = ['id', 'GET', '/', ...pairs.flat()]
  return new LazyRequest({ lines, signal: AbortSignal.abort() }, false, new IncomingBody(null, false, () => {}))
}

const WORK: [string, (pairs: Pairs) => unknown][] = [
  ['Headers of pairs', (pairs) => new LazyHeaders(pairs)],
  ['Headers, append', (pairs) => filled(pairs)],
  ['Headers, append of one name', (pairs) => filled(pairs.map(([, value]) => ['a', value])).get('a')],
  ['Headers, append of cookies', (pairs) => filled(pairs.map(([, value]) => ['set-cookie', value])).getSetCookie()],
  [
    'Headers, set',
    (pairs) => {
      const headers = new LazyHeaders()
      for (const [name, value] of pairs) headers.set(name, value)
    },
  ],
  [
    'Headers, get, has and delete',
    (pairs) => {
      const headers = filled(pairs)
      for (const [name] of pairs) headers.get(name)
      for (const [name] of pairs) headers.has(name)
      for (const [name] of pairs) headers.delete(name)
    },
  ],
  ['Headers, iteration', (pairs) => [...new LazyHeaders(pairs).entries(), ...filled(pairs).keys()]],
  ['Headers, forEach', (pairs) => filled(pairs).forEach(() => {})],
  ['Headers of Headers', (pairs) => new LazyHeaders(filled(pairs) as unknown as Headers)],
  ['Request, headers', (pairs) => [...requestWith(pairs).headers]],
  ['Request, native', (pairs) => [...requestWith(pairs).native().headers]],
  ['Response with pairs', (pairs) => sent(new LazyResponse('x', { headers: pairs }))],
  ['Response with Headers', (pairs) => sent(new LazyResponse('x', { headers: filled(pairs) as unknown as Headers }))],
  ['Response, native', (pairs) => sent(new LazyResponse('x', { headers: pairs }).native())],
  ['Response, clone', (pairs) => sent(new LazyResponse('x', { headers: pairs }).clone())],
]

function sent(response: unknown): unknown {
  return toOutgoing(response)
}

function namesOf(count: number): Pairs {
  // Not in order: sorting what is sorted is no work.
  return Array.from({ length: count }, (_, at) => [`x-${(at * 7919) % count}`, 'value'])
}

const session = new Session()
session.connect()

afterAll(() => session.disconnect())

/** How often V8 ran each block of code, all taken together: of web/ and of what Node does for it. */
async function costOf(work: (pairs: Pairs) => unknown, pairs: Pairs): Promise<number> {
  await session.post('Profiler.enable')
  await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
  work(pairs)
  const { result } = await session.post('Profiler.takePreciseCoverage')
  await session.post('Profiler.stopPreciseCoverage')
  const counted = result.filter(({ url }) => url.includes('/node/web/') || url.includes('undici'))
  const ranges = counted.flatMap(({ functions }) => functions.flatMap((one) => one.ranges))
  return ranges.reduce((sum, { count }) => sum + count, 0)
}

test.each(WORK)(`E7: ${TIMES} times the fields cost at most ${MOST} times the work (%s)`, async (_, work) => {
  work(namesOf(SMALL))
  const small = await costOf(work, namesOf(SMALL))
  const large = await costOf(work, namesOf(SMALL * TIMES))
  expect(small).toBeGreaterThan(SMALL / 2)
  expect(large / small).toBeLessThanOrEqual(MOST)
})
