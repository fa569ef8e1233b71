/**
 * `npm run chaos`: one run, its seed first, its figures last. Exit code 1: something that must hold did not; with the
 * same seed the same strikes come again. The last line counts the checks as tests are counted.
 */
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import type { Disturbance } from './disturbance.ts'
import { DISTURBANCES } from './disturbances/index.ts'
import { hasPython, STEADY } from './healthy.ts'
import { checksOf } from './lib/checks.ts'
import { paces, renderAnswers, renderChecks, renderPaces, renderStrikes } from './lib/report.ts'
import { runSession } from './session.ts'

const HELP = `npm run chaos -- [--seed N] [--minutes M] [--only NAME…] [--json] [--list]
  --only NAME…       which disturbances; all without it
  --seed N           the same strikes as in the run that printed N
  --minutes M        how long, without starting and resting (default 2)
  --json             the figures as JSON, and nothing else on stdout
  --list             the disturbances and what they do
`
const LOG_LINES = 20
const LONGEST_MINUTES = 24 * 60

function parseWords() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 32)) },
      minutes: { type: 'string', default: '2' },
      only: { type: 'string', multiple: true, default: [] },
      json: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  const [seed, minutes] = [Number(values.seed), Number(values.minutes)]
  if (!(Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32))
    throw new Error('--seed wants a whole number below 2^32.')
  if (!(minutes > 0 && minutes <= LONGEST_MINUTES)) throw new Error('--minutes wants a number above 0.')
  const wanted = [...values.only, ...positionals].flatMap((words) => words.split(','))
  const unknown = wanted.find((word) => !DISTURBANCES.some(({ name }) => name === word))
  if (unknown !== undefined) throw new Error(`There is no disturbance ${unknown}; --list names those there are.`)
  return { ...values, seed, minutes, wanted }
}

async function main(): Promise<number> {
  const { seed, minutes, wanted, json, list, help } = parseWords()
  if (help) return say(HELP.trimEnd())
  if (list) return say(DISTURBANCES.map(({ name, does }) => `${name.padEnd(20)}${does}`).join('\n'))
  const tellSeed = json ? tell : say
  tellSeed(`seed ${seed}, ${minutes} minutes, ${availableParallelism()} cores, Node ${process.versions.node}`)
  const chosen = DISTURBANCES.filter(({ name }) => wanted.length === 0 || wanted.includes(name))
  const disturbances: Disturbance[] = []
  const missing: string[] = []
  for (const one of chosen) {
    const why = one.missing?.() ?? null
    if (why === null) disturbances.push(one)
    else missing.push(`${one.name}: ${why}`)
  }
  if (!hasPython) missing.push('the healthy function in Python: python3 is not here (apt-get install python3)')
  for (const line of missing) tellSeed(`SKIPPED  ${line}`)
  const seen = await runSession({ seed, durationMs: minutes * 60_000, disturbances, tell })
  const speeds = paces(seen, STEADY)
  const checks = checksOf(seen, speeds)
  const broken = checks.filter((check) => check.broken.length > 0)
  if (json) {
    const { accounts, strikes, log, ...rest } = seen
    const struck = strikes.map(({ disturbance, ...strike }) => ({ name: disturbance.name, ...strike }))
    say(
      JSON.stringify(
        { seed, minutes, missing, speeds, checks, strikes: struck, calls: accounts.length, ...rest },
        null,
        2,
      ),
    )
  } else {
    const tables = [renderStrikes(seen), renderAnswers(seen.accounts), renderPaces(speeds, seen), renderChecks(checks)]
    say(`\n${tables.join('\n\n')}\n`)
    if (broken.length > 0) say(`The end of the gateway's log:\n${seen.log.slice(-LOG_LINES).join('\n')}\n`)
    if (broken.length > 0) say(`Again: npm run chaos -- --seed ${seed} --minutes ${minutes} ${wanted.join(' ')}\n`)
    const skipped = missing.length > 0 ? `, ${missing.length} skipped` : ''
    say(`${checks.length - broken.length} passed, ${broken.length} failed${skipped}`)
  }
  return broken.length === 0 ? 0 : 1
}

function say(text: string): number {
  process.stdout.write(`${text}\n`)
  return 0
}

function tell(line: string): void {
  process.stderr.write(`${line}\n`)
}

// Without this, what cleans up at the exit would not run.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(2))

try {
  process.exitCode = await main()
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`)
  process.exitCode = 2
}
