/** A run as calm text: how fast the healthy were, what the others were answered, what struck, what must hold. Pure. */
import { renderTable } from '../../bench/lib/table.ts'
import type { Seen } from '../session.ts'
import type { Account } from './load.ts'
import { type Check, type Pace, paceOf } from './verdict.ts'

export function paces({ accounts, phases }: Seen, names: readonly string[]): Pace[] {
  return names.map((name) => paceOf(accounts, name, phases))
}

export function renderPaces(all: readonly Pace[], { cores }: Seen): string {
  const rows = all.map((one) => [
    one.name,
    one.calls,
    one.calmP50Ms,
    one.disturbedP50Ms,
    one.calmP99Ms,
    one.disturbedP99Ms,
    one.burdenedP99Ms,
    one.ratio,
  ])
  const head = ['healthy', 'calls', 'p50 calm', 'disturbed', 'p99 calm', 'disturbed', 'only busy', 'p99 ratio']
  return `${renderTable(head, rows)}
Milliseconds as callers see them. The gateway with its workers kept ${cores.calm.toFixed(2)} cores busy in calm, and
${cores.disturbed.toFixed(2)} disturbed; "only busy" is calm with as much CPU burnt by processes that are nobody's.`
}

export function renderAnswers(accounts: readonly Account[]): string {
  const byFunction = Map.groupBy(accounts, (one) => one.function)
  const rows = [...byFunction].map(([name, all]) => {
    const others = Map.groupBy(
      all.filter(({ outcome }) => outcome !== '200'),
      ({ outcome }) => outcome,
    )
    const told = [...others].map(([outcome, some]) => `${some.length} ${outcome}`).join(', ')
    return [name, all.length, all.length - [...others.values()].flat().length, told]
  })
  return renderTable(['function', 'calls', '200', 'others'], rows)
}

export function renderStrikes({ strikes }: Seen): string {
  const byName = Map.groupBy(strikes, ({ disturbance }) => disturbance.name)
  const rows = [...byName].map(([name, all]) => [name, all.length, all[0]!.disturbance.does])
  return renderTable(['disturbance', 'strikes', 'what it does'], rows)
}

export function renderChecks(checks: readonly Check[]): string {
  return checks
    .map(
      ({ says, broken }) => `${broken.length === 0 ? 'ok    ' : 'BROKEN'}  ${[says, ...broken].join('\n          ')}`,
    )
    .join('\n')
}
