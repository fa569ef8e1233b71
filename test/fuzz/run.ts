/**
 * `npm run fuzz`: hostile bytes at the HTTP edge and at both ends of the frame protocol, for a while. Input `n` of a run
 * with seed `s` is input 0 of a run with seed `s + n`: a failure names the seed that begins with it, and the smallest
 * input found that fails as well. The last line counts the targets.
 */
import { parseArgs } from 'node:util'
import { FramesInFlight } from './frames-in-flight.ts'
import { FramesToPool } from './frames-to-pool.ts'
import { FramesToWorker } from './frames-to-worker.ts'
import { HttpGateway } from './http-gateway.ts'
import { httpReader } from './http-reader.ts'
import { Random } from './random.ts'
import { shrink } from './shrink.ts'
import type { Input, Target } from './target.ts'

const HELP = `npm run fuzz -- [--seed N] [--seconds S] [--target NAME]
  --seed N       which inputs: the same seed gives the same ones (default: another each time)
  --seconds S    for how long, all targets together (default: 20)
  --target NAME  only this one
`
const SHRINK_MS = 10_000

/** Nothing in here may be thrown past everybody. */
let uncaught: string | null = null
for (const event of ['uncaughtException', 'unhandledRejection'] as const)
  process.on(event, (error: unknown) => {
    uncaught ??= `${event}: ${error instanceof Error ? error.stack : String(error)}`
  })

async function violation(target: Target, input: Input): Promise<string | null> {
  let wrong: string | null
  try {
    wrong = await target.check(input)
  } catch (error) {
    wrong = (error as Error).stack ?? String(error)
  }
  wrong ??= uncaught
  uncaught = null
  return wrong
}

/** Returns whether it held. */
async function fuzz(target: Target, seed: number, untilMs: number): Promise<boolean> {
  try {
    await target.start()
  } catch (error) {
    say(`FAILED  ${target.name} cannot start: ${(error as Error).stack}`)
    return false
  }
  let tried = 0
  let failed: { readonly seed: number; readonly input: Input; readonly wrong: string } | null = null
  while (failed === null && performance.now() < untilMs) {
    const batch = Array.from({ length: target.atOnce }, (_, at) => seed + tried + at)
    await Promise.all(
      batch.map(async (ofInput) => {
        const input = target.make(new Random(ofInput))
        const wrong = await violation(target, input)
        if (wrong !== null) failed ??= { seed: ofInput, input, wrong }
      }),
    )
    tried += batch.length
  }
  if (failed !== null) await tell(target, failed)
  const atEnd = await target.stop()
  if (atEnd !== null) say(`FAILED  ${target.name}, at the end of a run with seed ${seed}: ${atEnd}`)
  const isGood = failed === null && atEnd === null
  if (isGood) say(`ok      ${target.name}: ${tried} inputs`)
  return isGood
}

async function tell(
  target: Target,
  { seed, input, wrong }: { seed: number; input: Input; wrong: string },
): Promise<void> {
  say(`FAILED  ${target.name}, seed ${seed}: ${wrong.slice(0, 4_000)}`)
  const fails = async (tried: Input): Promise<boolean> => (await violation(target, tried)) !== null
  if (!(await fails(input))) return say('        By itself it does not fail again: what came before it mattered.')
  const smallest = await shrink(input, fails, performance.now() + SHRINK_MS)
  say(`        smallest input, ${smallest.length} pieces:`)
  for (const piece of smallest) say(`        ${JSON.stringify(piece.toString('latin1'))}`)
  say(`        then: ${(await violation(target, smallest))?.slice(0, 1_000)}`)
  say(`        again: npm run fuzz -- --target ${target.name} --seed ${seed}`)
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seconds: { type: 'string', default: '20' },
    target: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})
const all: readonly Target[] = [
  httpReader,
  new HttpGateway(),
  new FramesInFlight(),
  new FramesToPool(),
  new FramesToWorker(),
]
const chosen = all.filter(({ name }) => values.target === undefined || values.target === name)
const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed)
const eachMs = (Number(values.seconds) * 1000) / chosen.length
if (values.help || chosen.length === 0 || !Number.isSafeInteger(seed) || !(eachMs > 0)) {
  say(`${HELP}\ntargets: ${all.map(({ name }) => name).join(', ')}`)
  process.exit(values.help ? 0 : 2)
}
say(`seed ${seed}`)
let passed = 0
for (const target of chosen) if (await fuzz(target, seed, performance.now() + eachMs)) passed++
say(`${passed} passed, ${chosen.length - passed} failed`)
process.exitCode = passed === chosen.length ? 0 : 1
