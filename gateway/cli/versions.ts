/** What is there of a deployed function, and its canary, shown and changed. */
import pc from 'picocolors'
import { askForJson } from './admin-api.ts'
import type { AdminAddress } from './admin-client.ts'
import { CommandError, EXIT } from './exit-codes.ts'
import { formatBytes, plainLine } from './format.ts'
import { print } from './print.ts'

interface AnsweredReport {
  readonly calls: number
  readonly failed: number
  readonly p95Ms: number | null
}

interface VersionsReport {
  readonly function: string
  readonly canary: {
    readonly version: number
    readonly percent: number
    readonly steps: readonly number[]
    readonly evidence: {
      readonly sinceStepMs: number
      readonly live: AnsweredReport
      readonly canary: AnsweredReport
      readonly verdict: string
    }
  } | null
  readonly takenBack: { readonly version: number; readonly at: string; readonly why: string } | null
  readonly versions: readonly {
    readonly number: number
    readonly id: string
    readonly key: string
    readonly createdAt: string
    readonly by: string
    readonly files: number
    readonly bytes: number
    readonly state: 'live' | 'canary' | 'kept'
    readonly isWarm: boolean
  }[]
}

type Form = 'json' | 'text'

export async function showVersions(address: AdminAddress, name: string, form: Form): Promise<void> {
  show(await askForJson<VersionsReport>(address, { method: 'GET', path: `${pathOf(name)}/versions` }), form)
}

export async function setCanary(
  address: AdminAddress,
  name: string,
  version: string | undefined,
  body: object | null,
  form: Form,
): Promise<void> {
  if (version === undefined || body === null)
    throw new CommandError(
      EXIT.usage,
      'Say which version and how much of the traffic: canary NAME VERSION --percent 5. Or --end.',
    )
  const asked = { method: 'PUT', path: `${pathOf(name)}/canary`, json: { ...body, version } }
  show(await askForJson<VersionsReport>(address, asked), form)
}

export async function endCanary(address: AdminAddress, name: string, form: Form): Promise<void> {
  show(await askForJson<VersionsReport>(address, { method: 'DELETE', path: `${pathOf(name)}/canary` }), form)
}

export async function remove(address: AdminAddress, name: string): Promise<void> {
  await askForJson(address, { method: 'DELETE', path: pathOf(name) })
  print(`${pc.bold(plainLine(name))} is gone\n`)
}

function show(report: VersionsReport, form: Form): void {
  if (form === 'json') return print(`${JSON.stringify(report, null, 2)}\n`)
  const lines = report.versions.toReversed().map(({ number, id, key, createdAt, by, files, bytes, state, isWarm }) => {
    const share = state === 'canary' && report.canary !== null ? ` ${report.canary.percent} %` : ''
    const where = state === 'kept' ? (isWarm ? 'warm' : '') : `${state}${share}`
    const marked = state === 'live' ? pc.green(where.padEnd(12)) : where.padEnd(12)
    const what = `${files} files, ${formatBytes(bytes)}`
    return `${String(number).padStart(5)}  ${marked}${id.slice(0, 12)}  ${createdAt}  ${plainLine(by).padEnd(12)} ${what}  ${pc.dim(`key ${key}`)}\n`
  })
  print(lines.join('') + canaryLines(report))
}

/** What the canary is judged by, or why the latest one is gone. */
function canaryLines({ canary, takenBack }: VersionsReport): string {
  if (canary !== null) {
    const { sinceStepMs, live, canary: own, verdict } = canary.evidence
    const since = `for ${Math.round(sinceStepMs / 1000)} s`
    return [
      `\ncanary ${canary.version}, ${canary.percent} % ${since}: ${answeredInWords(own)}\n`,
      `the live version beside it: ${answeredInWords(live)}\n`,
      `verdict: ${plainLine(verdict)}\n`,
    ].join('')
  }
  if (takenBack === null) return ''
  return `\ncanary ${takenBack.version} was taken back at ${takenBack.at}: ${plainLine(takenBack.why)}\n`
}

function answeredInWords({ calls, failed, p95Ms }: AnsweredReport): string {
  return `${calls} calls, ${failed} failed, 95th percentile ${p95Ms === null ? 'not known yet' : `${p95Ms.toFixed(1)} ms`}`
}

function pathOf(name: string): string {
  return `v1/functions/${encodeURIComponent(name)}`
}
