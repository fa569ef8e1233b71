/**
 * The command line as a whole: which commands there are, what `--help` says, and how everything that can go wrong
 * ends. Commands only describe themselves here and load what they need when they run, so that help is quick.
 */
import { Command, CommanderError } from 'commander'
import { packageVersion } from '../version.ts'
import { addCheckCommand } from './check-command.ts'
import { addDeployCommand } from './deploy-command.ts'
import { addDevCommand } from './dev-command.ts'
import { addDoctorCommand } from './doctor-command.ts'
import { CommandError, EXIT } from './exit-codes.ts'
import { addInspectCommand } from './inspect-command.ts'
import { addInvokeCommand } from './invoke-command.ts'
import { addRuntimeCommand } from './runtime-command.ts'
import { addServeCommand } from './serve-command.ts'
import { addStatusCommand } from './status-command.ts'
import { addTokenCommands } from './token-commands.ts'
import { addVersionCommands } from './version-commands.ts'

/**
 * Runs one command line (without node and script) and returns the exit code: 0 done, 2 for arguments that make no
 * sense, 1 for any other failure, unless the command's own help says otherwise. What went wrong is one calm message
 * on stderr; DEBUG=1 adds where.
 */
export async function runCommandLine(args: readonly string[]): Promise<number> {
  try {
    await createProgram().parseAsync(args, { from: 'user' })
    return Number(process.exitCode ?? EXIT.ok)
  } catch (error) {
    // commander has printed its message already; its only code above 0 means wrong usage.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage
    process.stderr.write(`error: ${describe(error)}\n`)
    return error instanceof CommandError ? error.exitCode : EXIT.failed
  }
}

function createProgram(): Command {
  const program = new Command('wrangler-free')
    .description('Serves a folder of functions over HTTP from a warm pool of isolated processes.')
    .version(packageVersion(), '-v, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    .configureHelp({ showGlobalOptions: false })
    .showHelpAfterError('Try `wrangler-free --help`, or `wrangler-free help COMMAND` for one command.')
    .addHelpText(
      'after',
      `
Examples:
  wrangler-free serve                      serve the functions in ./functions
  wrangler-free dev                        the same, and swap a function when its source changes
  wrangler-free inspect functions/hello    say what a folder is taken for, and why
  wrangler-free doctor                     try what keeps functions apart here
  wrangler-free check hello                say what its calls leave behind
  wrangler-free invoke hello --path /you   call one
  wrangler-free status --watch             see what the pool does
  wrangler-free deploy functions/hello     put it live on a running gateway, without losing a request
  wrangler-free rollback hello             and take that back

DEBUG=1 adds stack traces to error messages.`,
    )
    .exitOverride()
  addServeCommand(program)
  addDevCommand(program)
  addInspectCommand(program)
  addDoctorCommand(program)
  addCheckCommand(program)
  addInvokeCommand(program)
  addStatusCommand(program)
  addRuntimeCommand(program)
  addDeployCommand(program)
  addVersionCommands(program)
  addTokenCommands(program)
  return program
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return process.env.DEBUG ? (error.stack ?? error.message) : error.message
}
