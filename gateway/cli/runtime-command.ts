/** `wrangler-free runtime`: which programs can run functions, and getting more of them. */
import type { Command } from 'commander'
import type { Config } from '../config/index.ts'
import type { LocatedRuntime } from '../runtimes/located.ts'
import { CommandError, EXIT } from './exit-codes.ts'
import { print } from './print.ts'

interface RuntimeOptions {
  readonly config?: string
  readonly state?: string
  readonly json?: boolean
}

/** Shown by `list` whether they are there or not. */
const COMMON = ['node@22', 'node@24', 'node@26', 'bun', 'deno']

export function addRuntimeCommand(program: Command): void {
  const runtime = program.command('runtime').description('install and list the runtimes that functions may name')
  withOptions(runtime.command('add').description('install a runtime from npm into the state folder'))
    .argument('<name>', 'node@NN, bun or deno, with a version if wanted: node@24, node@24.1.0, bun@1.4.5')
    .action(add)
  withOptions(runtime.command('list').description('the runtimes that are there, their versions and where from')).action(
    list,
  )
  withOptions(runtime.command('remove').description('remove a runtime that was added'))
    .argument('<name>', 'as it is listed: node@24, bun, deno')
    .action(remove)
}

function withOptions(command: Command): Command {
  return command
    .option('-c, --config <FILE>', 'configuration file, which says where the state folder is')
    .option('--state <DIR>', 'the state folder (.wrangler-free)')
    .option('--json', 'print the result as JSON')
}

async function add(name: string, options: RuntimeOptions): Promise<void> {
  const [{ installRuntime }, { runtimePackage, thisMachine }] = await Promise.all([
    import('../runtimes/install.ts'),
    import('../runtimes/runtime-package.ts'),
  ])
  const wanted = parsed(() => runtimePackage(name, thisMachine()))
  process.stderr.write(`installing ${wanted.runtime} (${wanted.packageName}@${wanted.version} from npm)\n`)
  const added = await installRuntime(await stateDir(options), wanted)
  print(options.json ? json(added) : `${added.runtime} ${added.version} is installed\n`)
}

async function list(options: RuntimeOptions): Promise<void> {
  const { findRuntime, installedRuntimes } = await import('../runtimes/located.ts')
  const { stateDir: state, runtimes } = await configOf(options)
  const own = Object.entries(runtimes).map(([name, { command }]) => ({ runtime: name, command, from: 'configuration' }))
  const names = new Set([...COMMON, ...installedRuntimes(state).map(({ runtime }) => runtime)])
  const found = [...names].map((runtime) => ({ runtime, located: findRuntime(state, runtime) }))
  if (options.json) return print(json([...found.flatMap(({ located }) => located ?? []), ...own]))
  for (const { runtime, located } of found) print(`${runtime.padEnd(9)} ${describe(runtime, located)}\n`)
  for (const { runtime, command, from } of own) print(`${runtime.padEnd(9)} ${from.padEnd(21)} ${command.join(' ')}\n`)
}

async function remove(name: string, options: RuntimeOptions): Promise<void> {
  const [{ removeRuntime }, { runtimePackage, thisMachine }] = await Promise.all([
    import('../runtimes/located.ts'),
    import('../runtimes/runtime-package.ts'),
  ])
  const { runtime } = parsed(() => runtimePackage(name, thisMachine()))
  if (!removeRuntime(await stateDir(options), runtime))
    throw new CommandError(EXIT.failed, `${runtime} was not added: \`wrangler-free runtime list\` shows what is there.`)
  print(options.json ? json({ runtime, removed: true }) : `${runtime} is removed\n`)
}

async function stateDir(options: RuntimeOptions): Promise<string> {
  return (await configOf(options)).stateDir
}

async function configOf({ config, state }: RuntimeOptions): Promise<Config> {
  const { loadConfig } = await import('../config/index.ts')
  const flags = state === undefined ? {} : { state }
  return loadConfig({ cwd: process.cwd(), flags, ...(config === undefined ? {} : { file: config }) })
}

function describe(runtime: string, located: LocatedRuntime | null): string {
  if (located === null) return `not there: wrangler-free runtime add ${runtime}`
  return `${located.version.padEnd(10)} ${located.from.padEnd(10)} ${located.file}`
}

function parsed<T>(parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    throw new CommandError(EXIT.usage, (error as Error).message)
  }
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`
}
