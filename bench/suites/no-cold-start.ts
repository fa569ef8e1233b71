/**
 * Whether recycling is ever the cause of a start that a caller waits for: one worker kept warm, recycled every few
 * calls, called one at a time, with every answer's own word on how it was started.
 */

import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { Agent, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'
import { withGateway } from '../lib/gateway.ts'
import { serverTiming } from '../lib/one-call.ts'
import { pinningInWords } from '../lib/pinning.ts'
import { quantile } from '../lib/stats.ts'
import type { Suite } from '../lib/suite.ts'
import { mustBeAtLeast, mustBeNone } from '../lib/verdict.ts'

const MAX_INVOCATIONS = 20
/** A worker's budget then lasts some 200 ms: longer than its replacement takes to boot, so that recycling keeps pace. */
const PAUSE_MS = 10
/** On a machine that is too busy to boot replacements, recycling gets rare instead of costly: then it has to end somewhere. */
const LONGEST_MS = 180_000

export const noColdStart: Suite = {
  name: 'no-cold-start',
  question: `With minWorkers 1 and a worker recycled every ${MAX_INVOCATIONS} calls, does any call wait for a start?`,
  run(options, progress) {
    const calls = options.quick ? 500 : 2_000
    const recycles = options.quick ? 20 : 100
    const functions = { 'hello.js': "export default { fetch: () => new Response('Hello!\\n') }\n" }
    const overrides = { hello: { minWorkers: 1, maxInvocations: MAX_INVOCATIONS } }
    const config = { listen: { serverTiming: true }, overrides, log: { level: 'warn' } }
    return withGateway(
      () => ({ functions, config }),
      async (gateway) => {
        const agent = new Agent({ keepAlive: true, maxSockets: 1 })
        const kinds = new Map<string, number>()
        const latenciesMs: number[] = []
        let failed = 0
        const recycled = async (): Promise<number> => (await gateway.statusOf('hello')).deaths.invocations ?? 0
        const startedAtMs = performance.now()
        for (let done = 0; performance.now() - startedAtMs < LONGEST_MS; done++) {
          if (done % 250 === 0) {
            const soFar = await recycled()
            progress(`${done} calls, ${soFar} recycles`)
            if (done >= calls && soFar >= recycles) break
          }
          const calledAtMs = performance.now()
          const { status, start } = await callOnce(`${gateway.url}/hello`, agent)
          latenciesMs.push(performance.now() - calledAtMs)
          if (status === 200) kinds.set(start, (kinds.get(start) ?? 0) + 1)
          else failed++
          await pause(PAUSE_MS)
        }
        agent.destroy()
        const all = latenciesMs.length
        const warm = kinds.get('warm') ?? 0
        const count = await recycled()
        return {
          conditions: [
            pinningInWords,
            `Calls come one at a time with ${PAUSE_MS} ms in between, so that a replacement can boot within a worker's budget.`,
            `It goes on until there are ${calls} calls and ${recycles} recycles.`,
          ],
          table: {
            head: ['calls', 'recycles', 'warm', 'blank', 'cold', 'failed', 'p50 ms', 'p99 ms', 'slowest ms'],
            rows: [
              [
                all,
                count,
                warm,
                kinds.get('blank') ?? 0,
                kinds.get('cold') ?? 0,
                failed,
                quantile(latenciesMs, 0.5),
                quantile(latenciesMs, 0.99),
                quantile(latenciesMs, 1),
              ],
            ],
          },
          drawing: {
            title: 'What calls found',
            unit: 'calls',
            bars: ['warm', 'blank', 'cold'].map((label) => ({ label, value: kinds.get(label) ?? 0 })),
          },
          findings: [
            mustBeNone({ measure: 'calls that were not answered 200 from a warm worker', value: all - warm }),
            mustBeAtLeast(recycles, { measure: 'recycles in that time', value: count }),
          ],
          raw: { starts: Object.fromEntries(kinds), latenciesMs },
        }
      },
    )
  },
}

async function callOnce(url: string, agent: Agent): Promise<{ status: number; start: string }> {
  const call = request(url, { agent })
  call.end()
  const [response] = (await once(call, 'response')) as [IncomingMessage]
  await text(response)
  return {
    status: response.statusCode!,
    start: serverTiming(`server-timing: ${String(response.headers['server-timing'])}`).start,
  }
}
