/**
 * What a sandbox adds to a first call from a blank: functions that were never called, in turns under `process` and under
 * `sandbox`, with blanks of both ready, in Node and in Python.
 */
import { type Gateway, withGateway } from '../lib/gateway.ts'
import { type Contestant, interleave, medianOf, type Standing } from '../lib/interleave.ts'
import { oneCall, serverTiming } from '../lib/one-call.ts'
import { pinningInWords } from '../lib/pinning.ts'
import { shelfIsFull } from '../lib/shelf.ts'
import { median, quantile } from '../lib/stats.ts'
import type { Suite } from '../lib/suite.ts'
import { atMost, mustBeNone } from '../lib/verdict.ts'

const BLANKS = 2
const MOST_ADDED_MS = 5
const LANGUAGES = { node: nodeSource, python: pythonSource } as const
const PROFILES = ['process', 'sandbox'] as const

type Language = keyof typeof LANGUAGES
type Profile = (typeof PROFILES)[number]
type First = { readonly ms: number; readonly loadMs: number; readonly isNotBlank: number }

export const sandbox: Suite = {
  name: 'sandbox',
  question: 'What does a sandbox add to the first call of a function when only blanks are ready?',
  run(options, progress) {
    const rounds = options.rounds ?? (options.quick ? 8 : 20)
    const kinds = (Object.keys(LANGUAGES) as Language[]).flatMap((language) =>
      PROFILES.map((profile) => ({ language, profile })),
    )
    // One more than rounds: the first call of each kind is not what is measured.
    const all = kinds.flatMap(({ language, profile }) =>
      Array.from({ length: rounds + 1 }, (_, at) => ({ language, profile, name: nameOf(language, profile, at) })),
    )
    const functions = Object.fromEntries(
      all.map(({ language, name }) => [`${name}.${language === 'node' ? 'js' : 'py'}`, LANGUAGES[language](name)]),
    )
    const overrides = Object.fromEntries(all.map(({ profile, name }) => [name, { isolation: profile }]))
    const config = {
      listen: { serverTiming: true },
      pool: { blanks: BLANKS },
      defaults: { idleTimeout: 250 },
      overrides,
      log: { level: 'warn' },
    }
    return withGateway(
      () => ({ functions, config }),
      async (gateway) => {
        const contestants = kinds.map(({ language, profile }) => firstCalls(gateway, language, profile, kinds.length))
        for (const contestant of contestants) await contestant.measure(rounds)
        const standings = await interleave(contestants, rounds, (name, round, { ms }) =>
          progress(`round ${round + 1}/${rounds} ${name} ${ms.toFixed(1)} ms`),
        )
        const added = LANGUAGE_NAMES.map((language, at) => ({
          language,
          ms: addedMs(standings[2 * at]!, standings[2 * at + 1]!),
        }))
        return {
          conditions: [
            pinningInWords,
            `${rounds} rounds; before each, ${BLANKS} blanks of every kind are ready and nothing else runs in the gateway.`,
          ],
          table: {
            head: ['', 'median ms', 'best ms', 'p90 ms', 'of which loading, ms'],
            rows: standings.map((standing) => {
              const times = standing.rounds.map(({ ms }) => ms)
              const loading = medianOf(standing, 'loadMs')
              return [standing.name, medianOf(standing, 'ms'), quantile(times, 0), quantile(times, 0.9), loading]
            }),
          },
          drawing: {
            title: 'First call from a blank, to its whole answer (median)',
            unit: 'ms',
            bars: standings.map((standing) => ({ label: standing.name, value: medianOf(standing, 'ms') })),
          },
          findings: [
            ...added.map(({ language, ms }) =>
              atMost(MOST_ADDED_MS, { measure: `what a sandbox adds, ${language}`, value: ms, unit: 'ms' }),
            ),
            mustBeNone({
              measure: 'first calls that did not start from a blank',
              value: standings.flatMap((one) => one.rounds).filter((one) => one.isNotBlank).length,
            }),
          ],
          raw: standings,
        }
      },
    )
  },
}

const LANGUAGE_NAMES = Object.keys(LANGUAGES) as Language[]

/** Paired by round, as ratios are. */
function addedMs(without: Standing<First>, within: Standing<First>): number {
  return median(within.rounds.map(({ ms }, round) => ms - without.rounds[round]!.ms))
}

function nameOf(language: Language, profile: Profile, at: number): string {
  return `${language}-${profile}-${at}`
}

/** Each of them another bundle: nothing of one helps the next. */
function nodeSource(name: string): string {
  return `export default { fetch: () => new Response('Hello from ${name}!\\n') }\n`
}

function pythonSource(name: string): string {
  return `def handler(request):\n    return 'Hello from ${name}!\\n'\n`
}

function firstCalls(gateway: Gateway, language: Language, profile: Profile, kinds: number): Contestant<First> {
  return {
    name: `${language}, ${profile}`,
    async measure(round) {
      const name = nameOf(language, profile, round)
      await shelfIsFull(gateway, kinds * BLANKS)
      const { tookMs, status, head, body } = await oneCall(`${gateway.url}/${name}`)
      if (status !== 200 || !body.includes(name)) throw new Error(`${name} answered ${status}: ${body}`)
      const { start, ms } = serverTiming(head)
      return { ms: tookMs, loadMs: ms.get('load') ?? Number.NaN, isNotBlank: start === 'blank' ? 0 : 1 }
    },
  }
}
