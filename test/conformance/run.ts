/**
 * `npm run conformance -- [--function FILE] [--format NAME] [--handler NAME] [--patience MS] [--json] COMMAND…`: starts the
 * command as the pool would, again for each check, and says which parts of docs/protocol.md it follows. Exits with 1 when
 * it breaks one.
 */
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { CHECKS, type Check } from './checks.ts'
import { defaultFunction } from './default-function.ts'
import { Broken, NotApplicable } from './expectation.ts'
import { Subject, type UnderTest } from './subject.ts'

interface Outcome {
  readonly name: string
  readonly result: 'passed' | 'failed' | 'skipped'
  /** What was seen, or why it was skipped. */
  readonly why: string
}

const USAGE = `npm run conformance -- [--function FILE] [--format NAME] [--handler NAME] [--patience MS] [--json] COMMAND…

COMMAND starts one worker; FILE is the function in its language that docs/protocol.md describes. Without it, the file
conformance.* here is taken, or the suite's own for JavaScript and Python.
Any step may take --patience milliseconds, 10000 where nothing is said.
For example: npm run conformance -- python3 warmpool/runtimes/python/main.py`

const NO_FUNCTION = `There is no function to call in this runtime's language. Write the one that docs/protocol.md describes,
and name it conformance.* in this folder, or with --function FILE.`

const OPTIONS = {
  function: { type: 'string' },
  format: { type: 'string' },
  handler: { type: 'string' },
  patience: { type: 'string' },
  json: { type: 'boolean' },
} as const

const DEFAULT_PATIENCE_MS = 10_000

const MARKS = { passed: '✓', failed: '✗', skipped: '–' }

async function main(args: readonly string[]): Promise<number> {
  const at = commandAt(args)
  const [file, ...rest] = args.slice(at)
  const { values } = parseArgs({ args: args.slice(0, at), options: OPTIONS })
  if (file === undefined) {
    console.error(USAGE)
    return 2
  }
  const env = Object.fromEntries(Object.entries(process.env).flatMap(([name, value]) => (value ? [[name, value]] : [])))
  const asked = {
    command: { file, args: rest, env },
    format: values.format ?? null,
    handler: values.handler ?? null,
    patienceMs: Number(values.patience ?? DEFAULT_PATIENCE_MS),
  }
  const functionFile =
    values.function === undefined ? await defaultFunction(asked, process.cwd()) : resolve(values.function)
  if (functionFile === null) {
    console.error(NO_FUNCTION)
    return 2
  }
  const underTest: UnderTest = { ...asked, functionFile }
  const outcomes: Outcome[] = []
  for (const check of CHECKS) {
    const outcome = await tryOut(check, underTest)
    outcomes.push(outcome)
    if (values.json !== true) console.log(lineOf(outcome))
  }
  const count = (result: Outcome['result']): number => outcomes.filter((one) => one.result === result).length
  if (values.json === true) console.log(JSON.stringify(outcomes, null, 2))
  else console.log(`\n${count('passed')} passed, ${count('failed')} failed, ${count('skipped')} skipped`)
  return count('failed') === 0 ? 0 : 1
}

/** Where the options end: the first word that is neither one nor the value of one. */
function commandAt(args: readonly string[]): number {
  let at = 0
  while (args[at]?.startsWith('--')) {
    if (args[at] === '--') return at + 1
    at += args[at] === '--json' || args[at]!.includes('=') ? 1 : 2
  }
  return at
}

async function tryOut(check: Check, underTest: UnderTest): Promise<Outcome> {
  const { name } = check
  let subject: Subject | null = null
  try {
    subject = new Subject(underTest)
    await check.run(subject)
    return { name, result: 'passed', why: '' }
  } catch (error) {
    if (error instanceof NotApplicable) return { name, result: 'skipped', why: error.message }
    const { message } = error as Error
    return { name, result: 'failed', why: error instanceof Broken ? message : `${(error as Error).name}: ${message}` }
  } finally {
    subject?.dispose()
  }
}

function lineOf({ name, result, why }: Outcome): string {
  return `${MARKS[result]} ${name}${why === '' ? '' : `\n    ${why.replaceAll('\n', ' ')}`}`
}

// npm runs scripts in the package's folder: paths are meant from where it was called.
process.chdir(process.env.INIT_CWD ?? '.')
process.exitCode = await main(process.argv.slice(2)).catch((error: Error) => {
  console.error(error.message)
  return 2
})
