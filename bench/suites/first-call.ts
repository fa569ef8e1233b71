/**
 * The price of a first call when blanks are ready: a function that was never called, over a connection of its own,
 * against what starting the bare runtime takes, the least that starting on demand could cost.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Gateway, withGateway } from '../lib/gateway.ts'
import { type Contestant, interleave, medianOf, ratioOf } from '../lib/interleave.ts'
import { oneCall, serverTiming } from '../lib/one-call.ts'
import { pinningInWords, pinServer } from '../lib/pinning.ts'
import { shelfIsFull } from '../lib/shelf.ts'
import { quantile } from '../lib/stats.ts'
import type { Suite } from '../lib/suite.ts'
import { atMost, mustBeNone } from '../lib/verdict.ts'

const BLANKS = 2

type Start = { readonly ms: number; readonly loadMs: number; readonly isNotBlank: number }

export const firstCall: Suite = {
  name: 'first-call',
  question: 'What does the first call of a function cost when only blanks are ready, against a bare start of Node?',
  run(options, progress) {
    const rounds = options.rounds ?? (options.quick ? 8 : 20)
    const names = Array.from({ length: rounds + 1 }, (_, at) => `hello-${at}`)
    const forkedNames = names.map((name) => `forked-${name}`)
    const functions = Object.fromEntries([...names, ...forkedNames].map((name) => [`${name}.js`, helloSource(name)]))
    const overrides = Object.fromEntries(forkedNames.map((name) => [name, { startBy: 'fork' }]))
    const config = { listen: { serverTiming: true }, pool: { blanks: BLANKS }, overrides, log: { level: 'warn' } }
    return withGateway(
      () => ({ functions, config }),
      async (gateway, { folder }) => {
        const emptyFile = join(folder, 'empty.js')
        writeFileSync(emptyFile, '')
        const contestants = [
          firstCalls(gateway, 'first call from a blank', names),
          firstCalls(gateway, 'first call from a forked blank', forkedNames),
          bareStarts(emptyFile, gateway),
        ]
        // The gateway's own first call ever is not a function's first call.
        for (const { measure } of contestants) await measure(rounds)
        const [ours, forked, bare] = await interleave(contestants, rounds, (name, round, { ms }) =>
          progress(`round ${round + 1}/${rounds} ${name} ${ms.toFixed(1)} ms`),
        )
        const ratio = ratioOf(ours!, bare!, 'ms')
        const row = (standing: typeof ours & {}) => {
          const all = standing.rounds.map(({ ms }) => ms)
          return [
            standing.name,
            medianOf(standing, 'ms'),
            quantile(all, 0),
            quantile(all, 0.9),
            ratioOf(standing, bare!, 'ms'),
          ]
        }
        return {
          conditions: [
            pinningInWords,
            `${rounds} rounds; before each, ${BLANKS} blanks are ready and nothing else runs in the gateway.`,
            `Of the first call, loading the function inside the blank is ${medianOf(ours!, 'loadMs').toFixed(1)} ms (median).`,
          ],
          table: {
            head: ['', 'median ms', 'best ms', 'p90 ms', '÷ bare start'],
            rows: [row(ours!), row(forked!), row(bare!)],
          },
          drawing: {
            title: 'Nothing of the function running, to its first whole answer (median)',
            unit: 'ms',
            bars: [ours!, forked!, bare!].map((standing) => ({
              label: standing.name,
              value: medianOf(standing, 'ms'),
            })),
          },
          findings: [
            atMost(0.25, { measure: 'first call ÷ bare start of node', value: ratio }),
            atMost(0.1, { measure: 'the same, the speed aimed at', value: ratio }),
            mustBeNone({
              measure: 'first calls that did not start from a blank',
              value: ours!.rounds.filter((one) => one.isNotBlank).length,
            }),
          ],
          raw: [ours, forked, bare],
        }
      },
    )
  },
}

/** Each of them another bundle: nothing of one helps the next. */
function helloSource(name: string): string {
  return `export default { fetch: () => new Response('Hello from ${name}!\\n') }\n`
}

function firstCalls(gateway: Gateway, name: string, names: readonly string[]): Contestant<Start> {
  return {
    name,
    async measure(round) {
      await shelfIsFull(gateway, 2 * BLANKS)
      const { tookMs, status, head, body } = await oneCall(`${gateway.url}/${names[round]}`)
      if (status !== 200 || !body.includes(names[round]!))
        throw new Error(`${names[round]} answered ${status}: ${body}`)
      const { start, ms } = serverTiming(head)
      return { ms: tookMs, loadMs: ms.get('load') ?? Number.NaN, isNotBlank: start === 'blank' ? 0 : 1 }
    },
  }
}

function bareStarts(emptyFile: string, gateway: Gateway): Contestant<Start> {
  return {
    name: 'bare start: node empty.js',
    async measure() {
      await shelfIsFull(gateway, 2 * BLANKS)
      const [file, ...args] = [...pinServer, process.execPath, emptyFile]
      const startedAtMs = performance.now()
      const [code] = await once(spawn(file!, args, { stdio: 'ignore' }), 'exit')
      const ms = performance.now() - startedAtMs
      if (code !== 0) throw new Error(`node empty.js ended with ${code}`)
      return { ms, loadMs: 0, isNotBlank: 0 }
    },
  }
}
