/** `wrangler-free versions`, `rollback`, `promote`, `canary` and `remove`: their arguments. */
import type { Command } from 'commander'
import { canaryBody, percent, percents, seconds } from './deploy-command.ts'
import { addressOf, type ToOptions, withAddress } from './gateway-address.ts'

interface Options extends ToOptions {
  readonly json?: boolean
}

interface CanaryOptions extends Options {
  readonly percent?: number
  readonly steps?: readonly number[]
  readonly stepTime?: number
  readonly header?: string
  readonly cookie?: string
  readonly end?: boolean
}

export function addVersionCommands(program: Command): void {
  withAddress(program.command('versions').description('list the versions of a deployed function'))
    .argument('<name>', 'the function')
    .option('--json', 'print them as JSON')
    .action(async (name: string, options: Options) => {
      const [{ showVersions }, address] = await Promise.all([import('./versions.ts'), addressOf(options)])
      await showVersions(address, name, formOf(options))
    })
  withAddress(program.command('rollback').description('make the version live that was live before, or another one'))
    .argument('<name>', 'the function')
    .argument('[version]', 'number or id (default: the one that was live before)')
    .option('--json', 'print what was done as JSON')
    .action(async (name: string, version: string | undefined, options: Options) => {
      const [{ activate }, address] = await Promise.all([import('./deploy.ts'), addressOf(options)])
      await activate(address, name, version, formOf(options))
    })
  withAddress(program.command('promote').description('make a version live that has no traffic yet, or some'))
    .argument('<name>', 'the function')
    .argument('<version>', 'number or id')
    .option('--json', 'print what was done as JSON')
    .action(async (name: string, version: string, options: Options) => {
      const [{ activate }, address] = await Promise.all([import('./deploy.ts'), addressOf(options)])
      await activate(address, name, version, formOf(options))
    })
  withAddress(program.command('canary').description('give a version some of the traffic, another share, or none again'))
    .argument('<name>', 'the function')
    .argument('[version]', 'number or id')
    .option('--percent <percent>', 'its part of the traffic', percent)
    .option('--steps <percents>', 'what that part becomes, as 25,50,100: 100 makes it live', percents)
    .option('--step-time <seconds>', 'how long a step lasts at least', seconds)
    .option('--header <name>', "for a part of this header's values instead of calls")
    .option('--cookie <name>', "for a part of this cookie's values instead of calls")
    .option('--end', 'give all traffic back to the live version')
    .option('--json', 'print the versions as JSON')
    .action(async (name: string, version: string | undefined, options: CanaryOptions) => {
      const [{ endCanary, setCanary }, address] = await Promise.all([import('./versions.ts'), addressOf(options)])
      const body = options.percent === undefined ? null : canaryBody(options.percent, options)
      if (options.end) await endCanary(address, name, formOf(options))
      else await setCanary(address, name, version, body, formOf(options))
    })
  withAddress(program.command('remove').description('take a deployed function away, with all its versions'))
    .argument('<name>', 'the function')
    .action(async (name: string, options: Options) => {
      const [{ remove }, address] = await Promise.all([import('./versions.ts'), addressOf(options)])
      await remove(address, name)
    })
}

function formOf({ json }: Options): 'json' | 'text' {
  return json ? 'json' : 'text'
}
