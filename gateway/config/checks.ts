/**
 * Rules between settings, which no single field can check: minimum and maximum, function and pool, token and address.
 * Only what was written is a mistake; a default that does not fit is adapted in `config.ts` and `function-settings.ts`.
 */
import { BlockList, isIP } from 'node:net'
import { poolSettings } from './config.ts'
import { RUNTIMES } from './function-kinds.ts'
import { functionSettings } from './function-settings.ts'
import { TOKEN_IN_WORDS } from './gateway-schema.ts'
import { type ConfigProblem, type KeyPath, showPath } from './problems.ts'
import type { ParsedConfig, WrittenSettings } from './schema.ts'

/** A broken rule: where it shows, and every place that it is about. */
interface Breach {
  readonly at: KeyPath
  readonly about: readonly KeyPath[]
  readonly found: string
  readonly allowed: string
}

/**
 * All broken rules. Those about a place in `broken` are left out: what is written there is refused already, and what
 * follows from it would only mislead.
 */
export function crossChecks(
  parsed: ParsedConfig,
  sourceOf: (path: KeyPath) => string,
  broken: readonly string[] = [],
): ConfigProblem[] {
  const breaches = [
    ...addressBreaches(parsed),
    ...poolBreaches(parsed),
    ...functionBreaches(parsed),
    ...secretBreaches(parsed),
    ...routeBreaches(parsed),
    ...runtimeBreaches(parsed),
  ]
  const isBroken = (path: KeyPath) => broken.some((place) => showPath(path).startsWith(place))
  return breaches
    .filter(({ at, about }) => ![at, ...about].some(isBroken))
    .map(({ at, about, found, allowed }) => {
      // A missing value was written nowhere: then the place that asks for it is to blame.
      const source = sourceOf(found === 'nothing' ? (about[0] ?? at) : at)
      return { kind: 'value', path: showPath(at), found, allowed, source }
    })
}

/** True for addresses that only this machine can reach. */
export function isLoopback(host: string): boolean {
  const family = isIP(host)
  return family === 0 ? host.toLowerCase() === 'localhost' : LOOPBACK.check(host, family === 4 ? 'ipv4' : 'ipv6')
}

const LOOPBACK = new BlockList()
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4')
LOOPBACK.addAddress('::1', 'ipv6')

function* addressBreaches({ listen, admin }: ParsedConfig): Generator<Breach> {
  if (admin.token === undefined && !isLoopback(admin.host)) {
    const allowed = `${TOKEN_IN_WORDS}: required because admin.host ${admin.host} can be reached from other machines`
    yield { at: ['admin', 'token'], about: [['admin', 'host']], found: 'nothing', allowed }
  }
  if (admin.port !== 0 && admin.port === listen.port && admin.host === listen.host) {
    const allowed = 'another port than listen.port, or 0 for any free one'
    const about = [
      ['listen', 'port'],
      ['listen', 'host'],
      ['admin', 'host'],
    ]
    yield { at: ['admin', 'port'], about, found: String(admin.port), allowed }
  }
}

function* poolBreaches(parsed: ParsedConfig): Generator<Breach> {
  const pool = poolSettings(parsed)
  if (pool.blanks > pool.maxWorkers) {
    const allowed = `at most pool.maxWorkers, which is ${pool.maxWorkers}`
    yield { at: ['pool', 'blanks'], about: [['pool', 'maxWorkers']], found: String(pool.blanks), allowed }
  }
  const kept = Object.values(parsed.overrides).map((own) => functionSettings(pool, parsed.defaults, own).minWorkers)
  const sum = kept.reduce((total, minWorkers) => total + minWorkers, 0)
  if (kept.length > 1 && sum > pool.maxWorkers) {
    const found = `minWorkers that add up to ${sum}`
    const allowed = `together at most pool.maxWorkers, which is ${pool.maxWorkers}`
    yield {
      at: ['overrides'],
      about: [
        ['pool', 'maxWorkers'],
        ['defaults', 'minWorkers'],
      ],
      found,
      allowed,
    }
  }
}

function* functionBreaches(parsed: ParsedConfig): Generator<Breach> {
  yield* settingsBreaches(parsed, ['defaults'], parsed.defaults)
  for (const [name, own] of Object.entries(parsed.overrides)) yield* settingsBreaches(parsed, ['overrides', name], own)
}

/** Breaches by what is written at `at`; `own` is that layer alone. */
function* settingsBreaches(parsed: ParsedConfig, at: KeyPath, own: WrittenSettings): Generator<Breach> {
  const pool = poolSettings(parsed)
  const { minWorkers, maxWorkers } = functionSettings(pool, parsed.defaults, own)
  const about = [
    [...at, 'minWorkers'],
    [...at, 'maxWorkers'],
    ['pool', 'maxWorkers'],
    ['defaults', 'minWorkers'],
    ['defaults', 'maxWorkers'],
  ]
  if (own.maxWorkers !== undefined && maxWorkers > pool.maxWorkers) {
    const allowed = `at most pool.maxWorkers, which is ${pool.maxWorkers}`
    yield { at: [...at, 'maxWorkers'], about, found: String(maxWorkers), allowed }
  }
  if (minWorkers <= maxWorkers) return
  if (own.minWorkers !== undefined) {
    const whence = own.maxWorkers === undefined ? ' (not written here)' : ''
    const allowed = `at most maxWorkers, which is ${maxWorkers}${whence}`
    yield { at: [...at, 'minWorkers'], about, found: String(minWorkers), allowed }
  } else if (own.maxWorkers !== undefined) {
    const allowed = `at least minWorkers, which is ${minWorkers} in defaults`
    yield { at: [...at, 'maxWorkers'], about, found: String(maxWorkers), allowed }
  }
}

function* secretBreaches({ secrets, defaults, overrides }: ParsedConfig): Generator<Breach> {
  const layers: [KeyPath, ParsedConfig['defaults']][] = [
    [['defaults'], defaults],
    ...Object.entries(overrides).map(([name, own]): [KeyPath, ParsedConfig['defaults']] => [['overrides', name], own]),
  ]
  const known = Object.keys(secrets)
  for (const [at, layer] of layers) {
    for (const [variable, { from }] of Object.entries(layer.secrets ?? {})) {
      if (from === undefined || known.includes(from)) continue
      const allowed =
        known.length === 0 ? 'a name in `secrets`, which is empty' : `a name in secrets: ${known.join(', ')}`
      // A value that was written here by mistake is not repeated.
      const found = `text of ${from.length} characters`
      yield { at: [...at, 'secrets', variable, 'from'], about: [['secrets']], found, allowed }
    }
  }
}

function* routeBreaches({ routes }: ParsedConfig): Generator<Breach> {
  const first = new Map<string, number>()
  for (const [index, { path, host, stripPrefix }] of routes.entries()) {
    if (stripPrefix && !path.endsWith('/*')) {
      const allowed = `false, or a path that ends in '/*'`
      yield { at: ['routes', index, 'stripPrefix'], about: [], found: 'true', allowed }
    }
    const key = `${(host ?? '').toLowerCase().replace(/\.$/, '')} ${path}`
    const earlier = first.get(key)
    if (earlier === undefined) first.set(key, index)
    else {
      const allowed = `a path and host that routes[${earlier}] does not have already`
      yield {
        at: ['routes', index, 'path'],
        about: [],
        found: JSON.stringify(path),
        allowed,
      }
    }
  }
}

function* runtimeBreaches({ overrides, runtimes }: ParsedConfig): Generator<Breach> {
  const ours: readonly string[] = RUNTIMES
  const own = Object.keys(runtimes)
  for (const name of own) {
    // `node@20` of the operator's own would look like one that is installed.
    if (!ours.includes(name) && !/^(?:node|bun|deno)@/.test(name)) continue
    const allowed = `a name that is none of ours: not ${ours.join(', ')}`
    yield { at: ['runtimes', name], about: [], found: 'a runtime that is there already', allowed }
  }
  for (const [name, { runtime }] of Object.entries(overrides)) {
    if (runtime === undefined || ours.includes(runtime) || own.includes(runtime)) continue
    const allowed = `${[...new Set([...ours, ...own])].join(', ')}; others are added by \`runtimes\``
    yield { at: ['overrides', name, 'runtime'], about: [['runtimes']], found: JSON.stringify(runtime), allowed }
  }
}
