/** `wrangler-free deploy`: its arguments. What it does is loaded only when it runs. */
import { statSync } from 'node:fs'
import { basename, extname, resolve } from 'node:path'
import { type Command, InvalidArgumentError } from 'commander'
import { CommandError, EXIT } from './exit-codes.ts'
import { addressOf, type ToOptions, withAddress } from './gateway-address.ts'

interface DeployOptions extends ToOptions {
  readonly name?: string
  readonly install?: boolean
  readonly scripts?: boolean
  readonly preview?: boolean
  readonly canary?: number
  readonly steps?: readonly number[]
  readonly stepTime?: number
  readonly header?: string
  readonly cookie?: string
  readonly json?: boolean
}

export function addDeployCommand(program: Command): void {
  withAddress(
    program
      .command('deploy')
      .description('deploy a folder to a running gateway, without losing a request')
      .argument('<folder>', 'folder of one function, or its only file')
      .option('--name <name>', "the function's name (default: the folder's)")
      .option('--install', 'the gateway installs what package-lock.json names; node_modules stays here')
      .option('--scripts', 'with --install: let packages run their install scripts there')
      .option('--preview', 'without traffic: to be tried under a key of its own')
      .option('--canary <percent>', 'with a part of the traffic', percent)
      .option('--steps <percents>', 'what that part becomes, as 5,25,50,100: 100 makes it live', percents)
      .option('--step-time <seconds>', 'how long a step lasts at least', seconds)
      .option('--header <name>', "for a part of this header's values instead of calls")
      .option('--cookie <name>', "for a part of this cookie's values instead of calls")
      .option('--json', 'print what was done as JSON'),
  )
    .addHelpText(
      'after',
      `
The gateway builds the folder, starts it beside the live version, calls the health check of its function.json, warms it and
switches. What fails leaves the live version as it is. The same content again costs nothing.

Left out are files that .gitignore and .wranglerfreeignore name and what begins with a dot; node_modules goes with the folder.

Exit codes: 0 deployed, or nothing to do; 1 not deployed, 2 wrong arguments, 69 nothing answers, 77 token missing or wrong.

Examples:
  wrangler-free deploy functions/hello
  wrangler-free deploy . --name shop --to https://admin.example.com --token …
  wrangler-free deploy hello --canary 5 --steps 25,50,100 --step-time 300`,
    )
    .action(async (folder: string, options: DeployOptions) => {
      const [{ deploy }, address] = await Promise.all([import('./deploy.ts'), addressOf(options)])
      const path = resolve(folder)
      const name = options.name ?? nameOf(path)
      const install = options.install ? (options.scripts ? 'with-scripts' : 'packages') : 'no'
      const activation = activationOf(options)
      await deploy({ address, folder: path, name, install, activation, form: options.json ? 'json' : 'text' })
    })
}

/** A file is named without its extension; a folder's name may have a dot of its own. */
function nameOf(path: string): string {
  const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
  return isFolder ? basename(path) : basename(path, extname(path))
}

function activationOf(options: DeployOptions): object {
  const { preview, canary } = options
  if (preview && canary !== undefined) throw new CommandError(EXIT.usage, '--preview and --canary exclude each other.')
  if (canary === undefined && (options.steps || options.stepTime || options.header || options.cookie))
    throw new CommandError(EXIT.usage, '--steps, --step-time, --header and --cookie are for --canary.')
  if (preview) return { as: 'preview' }
  return canary === undefined ? {} : { as: 'canary', canary: canaryBody(canary, options) }
}

/** What is not said is the gateway's to say. */
export function canaryBody(
  percentOfCalls: number,
  options: Pick<DeployOptions, 'steps' | 'stepTime' | 'header' | 'cookie'>,
): object {
  const { steps, stepTime, header, cookie } = options
  const by = header ? { kind: 'header', name: header } : cookie ? { kind: 'cookie', name: cookie } : undefined
  return {
    percent: percentOfCalls,
    ...(by && { by }),
    ...(steps && { steps }),
    ...(stepTime && { stepMs: stepTime * 1000 }),
  }
}

export function percent(text: string): number {
  const value = Number(text.replace(/%$/, ''))
  if (Number.isInteger(value) && value >= 1 && value <= 100) return value
  throw new InvalidArgumentError('It has to be a whole number from 1 to 100.')
}

export function percents(text: string): number[] {
  return text.split(',').map(percent)
}

export function seconds(text: string): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= 1) return value
  throw new InvalidArgumentError('It has to be a whole number of seconds.')
}
