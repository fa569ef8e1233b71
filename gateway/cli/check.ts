/** What `wrangler-free check` does: let a function run, and say what its calls leave behind. */
import { readdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import pc from 'picocolors'
import { type LoadOptions, loadConfig } from '../config/index.ts'
import { stopBuilding } from '../functions/build.ts'
import type { CheckRequest } from '../functions/check-call.ts'
import { checkReset, type ResetCheck } from '../functions/reset-check.ts'
import { EXIT, type ExitCode } from './exit-codes.ts'
import { print } from './print.ts'

export interface CheckArguments {
  readonly target: string
  readonly configFile: string | undefined
  readonly requests: readonly CheckRequest[]
  readonly calls: number
  readonly form: 'json' | 'text'
}

/** Prints the report; the exit code says whether something was found, or kept it from looking. */
export async function runCheck({ target, configFile, requests, calls, form }: CheckArguments): Promise<ExitCode> {
  const options: LoadOptions = { cwd: process.cwd(), ...(configFile === undefined ? {} : { file: configFile }) }
  const config = await loadConfig(options)
  const found = await checkReset(await pathOf(target, config.functionsDir), config, requests, calls)
  await stopBuilding()
  print(form === 'json' ? `${JSON.stringify(found, null, 2)}\n` : renderCheck(found))
  return found.problem === null && found.leftovers.length === 0 ? EXIT.ok : EXIT.failed
}

/** The name of a function in the folder of functions, or a path. */
async function pathOf(target: string, functionsDir: string): Promise<string> {
  if (target.includes('/')) return resolve(target)
  const names = await readdir(functionsDir).catch(() => [])
  const found = names.find((name) => name === target || name.replace(/\.[^.]+$/, '') === target)
  return found === undefined ? resolve(target) : join(functionsDir, found)
}

export function renderCheck({ name, calls, leftovers, notes, problem }: ResetCheck): string {
  const lines = notes.map((note) => `${pc.yellow('Note:')} ${note}\n`)
  if (problem !== null) return `${pc.bold(name)}: ${pc.red('it could not be checked:')} ${problem}\n${lines.join('')}`
  const headline =
    leftovers.length === 0
      ? `${pc.bold(name)}: ${calls} calls in one worker left nothing behind that can be seen.\n`
      : `${pc.bold(name)}: ${calls} calls in one worker left something behind.\n`
  return [headline, ...leftovers.map(({ kind, sentence }) => `  ${pc.red(kind)}  ${sentence}\n`), ...lines].join('')
}
