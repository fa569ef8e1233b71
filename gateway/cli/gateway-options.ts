/** The flags with which a gateway is started, made from the one table of settings that can be said outside the file. */
import type { Command } from 'commander'
import { OUTSIDE_SETTINGS } from '../config/overlays.ts'

const HELP: Readonly<Record<string, string>> = {
  '--functions': 'folder of functions (functions)',
  '--host': 'public host (127.0.0.1)',
  '--port': 'public port, 0 for any that is free (8787)',
  '--admin-host': 'admin host (127.0.0.1)',
  '--admin-port': 'admin port, 0 for any that is free (8788)',
  '--state': 'folder for bundles and other state (.wrangler-free)',
  '--log-level': 'debug, info, warn or error (info)',
}

export function addGatewayOptions(command: Command): Command {
  command.option('-c, --config <FILE>', 'configuration file (wrangler-free.config.ts, .mts, .js, .mjs or .json here)')
  for (const { flag } of OUTSIDE_SETTINGS) {
    if (flag !== undefined) command.option(`${flag.name} <${flag.value}>`, HELP[flag.name] ?? '')
  }
  return command.addHelpText(
    'after',
    '\nFlags win over WRANGLER_FREE_* variables, those over the file: see docs/configuration.md.',
  )
}
