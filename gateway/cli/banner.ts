/** What `serve` and `dev` say once they answer: what is served, where, and what to try. Pure. */
import pc from 'picocolors'
import type { CatalogEntry } from '../functions/catalog.ts'

export interface BannerFacts {
  readonly address: string
  readonly adminAddress: string
  readonly functionsDir: string
  readonly configFile: string | null
  readonly functions: readonly Pick<CatalogEntry, 'name' | 'error'>[]
  readonly tookMs: number
}

/** More names than this are only counted. */
const MOST_NAMES = 24
const MOST_TRIES = 3
/** What a newcomer's first call should be, when it is there. */
const GOOD_FIRST_CALLS = ['hello', 'sha512', 'events']

export function renderBanner(facts: BannerFacts): string {
  const working = facts.functions.filter(({ error }) => error === null).map(({ name }) => name)
  const broken = facts.functions.length - working.length
  const shown = working.slice(0, MOST_NAMES).join(', ')
  const more = working.length > MOST_NAMES ? ` and ${working.length - MOST_NAMES} more` : ''
  const lines = [
    `${pc.bold(`${working.length} ${working.length === 1 ? 'function' : 'functions'}`)} of ${facts.functionsDir} on ${pc.bold(facts.address)} ${pc.dim(`(ready in ${(facts.tookMs / 1000).toFixed(1)} s)`)}`,
    ...(working.length === 0 ? ['  Put a file such as hello.ts in there to have a function.'] : [`  ${shown}${more}`]),
    ...(broken === 0 ? [] : [pc.red(`  ${broken} cannot be served; see above`)]),
    `  settings: ${facts.configFile ?? 'defaults (no wrangler-free.config.ts here)'}`,
    `  status:   ${facts.adminAddress}/v1/status with its token, or npx wrangler-free status`,
    ...tries(facts.address, working),
  ]
  return `${lines.join('\n')}\n`
}

function tries(address: string, names: readonly string[]): string[] {
  const first = GOOD_FIRST_CALLS.filter((name) => names.includes(name))
  const chosen = [...first, ...names.filter((name) => !first.includes(name))].slice(0, MOST_TRIES)
  return chosen.length === 0
    ? []
    : ['Try:', ...chosen.map((name) => `  curl ${name === 'events' ? '-N ' : ''}${address}/${name}`)]
}
