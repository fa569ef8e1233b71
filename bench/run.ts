/**
 * `npm run bench`: runs suites one after the other, each alone on the machine as far as it can see. Progress goes to
 * stderr, results to stdout and into results/. Exit code 1: something that must hold did not; a missed speed is told,
 * not punished, because it may be the machine's.
 */
import { parseArgs } from 'node:util'
import { circumstances } from './lib/machine.ts'
import { renderResult, writeResult } from './lib/report.ts'
import type { Suite, SuiteOptions } from './lib/suite.ts'
import { bigBody } from './suites/big-body.ts'
import { blob } from './suites/blob.ts'
import { coldStart } from './suites/cold-start.ts'
import { deadlines } from './suites/deadlines.ts'
import { deploySuite } from './suites/deploy.ts'
import { deployedMany } from './suites/deployed-many.ts'
import { fairness } from './suites/fairness.ts'
import { firstCall } from './suites/first-call.ts'
import { formats } from './suites/formats.ts'
import { httpSuites } from './suites/http.ts'
import { httpRuntime } from './suites/http-runtime.ts'
import { killStorm } from './suites/kill-storm.ts'
import { manyFunctions } from './suites/many-functions.ts'
import { noColdStart } from './suites/no-cold-start.ts'
import { oneShot } from './suites/one-shot.ts'
import { pools } from './suites/pools.ts'
import { python } from './suites/python.ts'
import { recycling } from './suites/recycling.ts'
import { refill } from './suites/refill.ts'
import { sandbox } from './suites/sandbox.ts'
import { seedCall } from './suites/seed-call.ts'
import { seedExecute } from './suites/seed-execute.ts'
import { seedPool } from './suites/seed-pool.ts'
import { seedScaling } from './suites/seed-scaling.ts'
import { seedStart } from './suites/seed-start.ts'
import { stalls } from './suites/stalls.ts'
import { workerMemory } from './suites/worker-memory.ts'

const SUITES: readonly Suite[] = [
  coldStart,
  firstCall,
  sandbox,
  noColdStart,
  oneShot,
  refill,
  recycling,
  workerMemory,
  killStorm,
  fairness,
  deadlines,
  stalls,
  bigBody,
  manyFunctions,
  deploySuite,
  deployedMany,
  pools,
  ...httpSuites,
  formats,
  python,
  httpRuntime,
  blob,
  seedCall,
  seedPool,
  seedExecute,
  seedStart,
  seedScaling,
]

const HELP = `npm run bench -- [SUITE …] [--quick] [--full] [--rounds N] [--list]
  SUITE       which to run; all without one
  --quick     shorter and rougher, for developing
  --full      with --quick: also what takes longest (10,000 functions)
  --rounds N  interleaved rounds, where a suite compares
  --list      the suites and their questions
`

function parseWords() {
  return parseArgs({
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      full: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
}

async function main(): Promise<number> {
  const { values, positionals } = parseWords()
  if (values.help) return say(HELP)
  if (values.list) return say(SUITES.map(({ name, question }) => `${name.padEnd(16)}${question}\n`).join(''))
  const unknown = positionals.find((word) => !SUITES.some(({ name }) => name === word))
  if (unknown !== undefined) throw new Error(`There is no suite ${unknown}; --list names those there are.`)
  const rounds = values.rounds === undefined ? null : Number(values.rounds)
  if (rounds !== null && !(Number.isInteger(rounds) && rounds > 0))
    throw new Error('--rounds wants a number from 1 on.')
  const chosen = SUITES.filter(({ name }) => positionals.length === 0 || positionals.includes(name))
  let isBroken = false
  for (const suite of chosen)
    isBroken = (await runSuite(suite, { quick: values.quick, full: values.full, rounds })) || isBroken
  return isBroken ? 1 : 0
}

/** Returns whether something that must hold did not. */
async function runSuite(suite: Suite, options: SuiteOptions): Promise<boolean> {
  const where = circumstances()
  const result = await suite.run(options, (line) => process.stderr.write(`${suite.name}: ${line}\n`))
  writeResult(suite, result, options, where)
  const { machine, versions, commit } = where
  const load = machine.loadBefore.toFixed(1)
  say(
    `\n${renderResult(suite, result)}${machine.cpu}, ${machine.cores} cores (load before: ${load}), Linux ${machine.kernel}, ` +
      `Node ${versions.node}, commit ${commit.id}${commit.isDirty ? ' with changes' : ''}${options.quick ? ', --quick' : ''}\n`,
  )
  return result.findings.some(({ isMust, isReached }) => isMust && !isReached)
}

function say(text: string): number {
  process.stdout.write(text)
  return 0
}

// Without this, what cleans up at the exit would not run. A second signal, which `timeout` sends, must not cut it short.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(2))

try {
  process.exitCode = await main()
} catch (error) {
  process.stderr.write(`${process.env.BENCH_STACKS ? (error as Error).stack : (error as Error).message}\n`)
  process.exitCode = 2
}
