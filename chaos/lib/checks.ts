/** The checks of a run, each one sentence with its figures, and what it breaks with. Pure. */
import { readable } from '../../bench/lib/table.ts'
import { STEADY } from '../healthy.ts'
import type { Seen } from '../session.ts'
import type { Account } from './load.ts'
import { WRONG } from './outcome.ts'
import { type Check, isTooSlow, LEAST_CALLS, type Pace, unexplained } from './verdict.ts'

const MiB = 1024 * 1024
/** What caches and histograms of a gateway that was only just started may still grow by. */
const MEMORY_BYTES = 8 * MiB

export function checksOf(seen: Seen, paces: readonly Pace[]): Check[] {
  const { accounts, strikes, before, after } = seen
  const wrong = unexplained(accounts, strikes, STEADY)
  const steady = accounts.filter((one) => STEADY.includes(one.function))
  const failed = strikes.filter(({ isFailed }) => isFailed)
  const said = seen.log.filter((line) => /uncaught|unhandled|ERR_INTERNAL|"code":"internal"/i.test(line))
  return [
    {
      says: `each of ${count(accounts)} calls got its own answer, and only one`,
      broken: told(accounts.filter((one) => one.outcome === WRONG)),
    },
    { says: `each call got 200 or what a strike explains`, broken: told(wrong) },
    {
      says: `each of ${count(steady)} calls of healthy functions got 200`,
      broken: told(steady.filter((one) => one.outcome !== '200')),
    },
    {
      says: `their p99 is within 2 x of calm, or of the same machine only busy${sayTooFew(paces)}`,
      broken: paces.filter(isTooSlow).map(({ name, ratio }) => `${name}: ${ratio.toFixed(1)} x`),
    },
    {
      says: `each of ${strikes.length} strikes came to its end`,
      broken: failed.map(({ disturbance, did }) => `${disturbance.name}: ${did}`),
    },
    { says: `the pool's invariants held in ${readable(seen.looks)} looks`, broken: seen.brokenInvariants },
    { says: 'the admin address told the status whenever it could be reached', broken: seen.adminFailures },
    { says: 'all came to rest before and after', broken: seen.restless },
    {
      says: `the gateway has as many descriptors as before (${before.descriptors}, ${after.descriptors})`,
      broken: after.descriptors > before.descriptors ? [`${after.descriptors - before.descriptors} more`] : [],
    },
    {
      says: `and as many processes (${before.processes}, ${after.processes})`,
      broken: after.processes > before.processes ? [`${after.processes - before.processes} more`] : [],
    },
    {
      says: `and as much memory in use (${mebibytes(before.usedBytes)}, ${mebibytes(after.usedBytes)} MiB; resident ${mebibytes(before.rssBytes)}, ${mebibytes(after.rssBytes)})`,
      broken:
        after.usedBytes > before.usedBytes + MEMORY_BYTES
          ? [`${mebibytes(after.usedBytes - before.usedBytes)} MiB more`]
          : [],
    },
    { says: 'its log tells of no fault of its own', broken: said },
    { says: 'it stopped when it was told to', broken: seen.end === 0 ? [] : [`it ended with ${seen.end}`] },
    { says: 'nothing was left of it', broken: seen.leftOver.map((pid) => `process ${pid}`) },
  ]
}

function sayTooFew(paces: readonly Pace[]): string {
  const few = paces.filter(({ calls }) => calls < LEAST_CALLS).map(({ name }) => name)
  return few.length === 0 ? '' : ` (too few calls to say: ${few.join(', ')})`
}

/** `hello: 502 worker-died × 3`, with what one of them said. */
function told(accounts: readonly Account[]): string[] {
  const kinds = Map.groupBy(accounts, (one) => `${one.function}: ${one.outcome}`)
  return [...kinds].map(([kind, all]) => `${kind} × ${all.length} ${all[0]!.said}`.trimEnd())
}

function count(accounts: readonly Account[]): string {
  return readable(accounts.length)
}

function mebibytes(bytes: number): string {
  return (bytes / MiB).toFixed(1)
}
