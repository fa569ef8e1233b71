/**
 * Variables that a runtime reads when it starts, in the settings of a function whose worker has started before it was known.
 * What can be made up for is; else loading fails with what to do. They are not given to a process that starts for the
 * function: `--require` there would run the function's code before anything is taken from it.
 */
import { readFileSync } from 'node:fs'

type Env = Readonly<Record<string, string>>

const OPTIONS: Readonly<Record<string, (value: string) => void>> = {
  // In force already.
  '--enable-source-maps': () => {},
  '--no-deprecation': () => {
    process.noDeprecation = true
  },
  '--no-warnings': () => {
    process.removeAllListeners('warning')
  },
  '--stack-trace-limit': (value) => {
    Error.stackTraceLimit = Number(value)
  },
  '--dns-result-order': (value) =>
    process.getBuiltinModule('node:dns').setDefaultResultOrder(value as 'ipv4first' | 'ipv6first' | 'verbatim'),
}
const BY_SYSTEM = ['LD_PRELOAD', 'LD_AUDIT', 'LD_LIBRARY_PATH']

/** To be called once the variables are set. Throws an error in words. */
export function takeStartVariables(env: Env): void {
  for (const name of BY_SYSTEM) if (env[name]) throw new TypeError(tooLate(name, 'the system reads it'))
  if (env.NODE_OPTIONS) takeOptions(env.NODE_OPTIONS)
  if (env.NODE_EXTRA_CA_CERTS) trustAlso(env.NODE_EXTRA_CA_CERTS)
}

function takeOptions(options: string): void {
  for (const option of options.split(/\s+/).filter(Boolean)) {
    const [name, value = ''] = option.split('=', 2) as [string, string?]
    const take = OPTIONS[name.replaceAll('_', '-')]
    if (take === undefined) throw new TypeError(tooLate(`NODE_OPTIONS with ${name}`, 'Node reads it', INSTEAD[name]))
    take(value)
  }
}

const INSTEAD: Readonly<Record<string, string>> = {
  '--require': 'Import that module in the first line of the function',
  '-r': 'Import that module in the first line of the function',
  '--import': 'Import that module in the first line of the function',
  '--max-old-space-size': 'Say "memory" and "limits": { "memory" }',
}

function tooLate(what: string, who: string, instead = 'Leave it out'): string {
  return `"env" has ${what}: ${who} when a process starts, and a worker starts before it knows its function. ${instead}, or run the function as a program, which starts with it: "runtime": "http" and a "command" in function.json`
}

function trustAlso(file: string): void {
  const tls: Partial<typeof import('node:tls')> = process.getBuiltinModule('node:tls')
  if (tls.setDefaultCACertificates === undefined || tls.getCACertificates === undefined)
    throw new TypeError(
      'This runtime reads NODE_EXTRA_CA_CERTS when it starts only. Set it for the gateway, which hands it to all workers',
    )
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new TypeError(
      `NODE_EXTRA_CA_CERTS names ${file}, which cannot be read (${code}). Put it into the function's folder, or let the operator name it in \`readable\``,
    )
  }
  tls.setDefaultCACertificates([...tls.getCACertificates('default'), text])
}
