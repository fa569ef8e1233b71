/** The arguments of `server.listen(…)`: which address they name, and the words where it may not be opened. */

const LOOPBACK = '127.0.0.1'
const OF_LOOPBACK = /^(?:localhost|::1|127\.\d+\.\d+\.\d+)$/

type Args = readonly unknown[]

interface Options {
  readonly port?: unknown
  readonly host?: unknown
  readonly path?: unknown
  readonly fd?: unknown
}

/** Undefined: none is said, and any free one is taken. */
export function portOf([first]: Args): number | undefined {
  const port: unknown = isOptions(first) ? first.port : first
  return typeof port === 'number' || typeof port === 'string' ? Number(port) : undefined
}

/** Not a unix socket, nor something that is open already. */
export function isOfTcp([first]: Args): boolean {
  if (typeof first === 'string') return !Number.isNaN(Number(first))
  if (!isOptions(first)) return true
  if (first.port !== undefined && first.port !== null) return true
  return 'port' in first && first.path === undefined && first.fd === undefined
}

export function addressOf(args: Args): { readonly host: string; readonly port: number } {
  return { host: hostOf(args) ?? '0.0.0.0', port: portOf(args) ?? 0 }
}

/** The same arguments, for an address that no other machine reaches. */
export function onLoopback(args: Args): unknown[] {
  const [first] = args
  const host = hostOf(args)
  const own = host !== undefined && OF_LOOPBACK.test(host) ? host : LOOPBACK
  const callback = args.findLast((arg) => typeof arg === 'function')
  const backlog = args.findLast((arg, at) => at > 0 && typeof arg === 'number')
  const given = isOptions(first) ? first : { port: portOf(args) ?? 0, ...(backlog === undefined ? {} : { backlog }) }
  return [{ ...given, host: own }, ...(callback === undefined ? [] : [callback])]
}

/** What happened and what to do, for an error's message. */
export function listenRefusal(name: string, address: string): string {
  return `${address} was not opened: a function opens no TCP port, the gateway hands it its calls. If ${name} needs a server of its own, the operator sets listen: 'loopback' for it (overrides.${name}.listen of the configuration); a unix socket in its temporary folder needs no setting`
}

function hostOf([first, second]: Args): string | undefined {
  const host = isOptions(first) ? first.host : second
  return typeof host === 'string' ? host : undefined
}

function isOptions(value: unknown): value is Options {
  return typeof value === 'object' && value !== null
}
