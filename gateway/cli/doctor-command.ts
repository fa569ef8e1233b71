/** `wrangler-free doctor`: its arguments, and its table. */
import type { Command } from 'commander'
import pc from 'picocolors'
import { EXIT } from './exit-codes.ts'
import { print } from './print.ts'

interface DoctorOptions {
  readonly config?: string
  readonly json?: boolean
}

export function addDoctorCommand(program: Command): void {
  program
    .command('doctor')
    .description('try what keeps functions apart on this machine, for this user, and say what is not there')
    .option('-c, --config <FILE>', 'configuration file, which says where the state folder is')
    .option('--json', 'print it as JSON')
    .addHelpText(
      'after',
      `
What each word means, and what it stops: docs/security.md.

Exit codes: 0 all of the profile "process" is in force for Node, 1 it is not, 2 wrong arguments.`,
    )
    .action(async ({ config, json }: DoctorOptions) => {
      const [{ examine }, { loadConfig }] = await Promise.all([import('../doctor.ts'), import('../config/index.ts')])
      const { stateDir } = await loadConfig({ cwd: process.cwd(), ...(config === undefined ? {} : { file: config }) })
      const found = await examine(stateDir)
      print(json === true ? `${JSON.stringify(found, null, 2)}\n` : found.map(line).join(''))
      // What nobody has asked for yet may be missing.
      const isWhole = found.every(
        ({ runtime, profile, why }) =>
          why === null || profile === 'sandbox' || (runtime !== 'node' && runtime !== 'gateway'),
      )
      process.exitCode = isWhole ? EXIT.ok : EXIT.failed
    })
}

function line({
  runtime,
  profile,
  mechanism,
  state,
  why,
}: Awaited<ReturnType<typeof import('../doctor.ts').examine>>[number]): string {
  const shown = state === 'in force' ? pc.green(state.padEnd(9)) : pc.red(state.padEnd(9))
  return `${runtime.padEnd(8)} ${(profile ?? '').padEnd(8)} ${mechanism.padEnd(16)} ${shown} ${why ?? ''}`
    .trimEnd()
    .concat('\n')
}
