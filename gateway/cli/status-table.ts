/**
 * The status as a person reads it: two lines about the gateway and its pool, a table with a line per function, and
 * what is wrong with those that cannot be started. Pure: text from data, a width and whether to colour.
 */
import { createColors } from 'picocolors'
import type { FunctionReport, GatewayStatus } from '../admin/status.ts'
import { formatBytes, formatCount, formatDuration, plainLine } from './format.ts'
import { type Cell, renderColumns } from './status-columns.ts'

export interface StatusLook {
  /** Columns of the terminal; the least useful columns of the table are left out to fit. `Infinity`: all. */
  readonly width: number
  readonly color: boolean
}

/** Several lines, without a newline at the end. */
export function renderStatus(status: GatewayStatus, { width, color }: StatusLook): string {
  const paint = createColors(color)
  const functions = status.functions.toSorted((a, b) => (a.name < b.name ? -1 : 1))
  const table = functions.length === 0 ? noFunctions(status) : renderColumns(functions, width, cellPainter(color))
  const troubles = functions.flatMap(troublesOf)
  const blocks = [header(status, color), table]
  if (troubles.length > 0) {
    blocks.push(troubles.map(({ name, text }) => `${paint.red('✗')} ${paint.bold(name)}  ${text}`).join('\n'))
  }
  return blocks.join('\n\n')
}

function header({ gateway, pool }: GatewayStatus, color: boolean): string {
  const paint = createColors(color)
  const state = gateway.state === 'serving' ? paint.green(gateway.state) : paint.yellow(gateway.state)
  const about = [
    paint.bold(`wrangler-free ${gateway.version}`),
    state,
    plainLine(gateway.address),
    `up ${formatDuration(gateway.uptimeMs)}`,
    paint.dim(`pid ${gateway.pid}, Node ${gateway.nodeVersion}`),
  ]
  const numbers = [
    `pool: ${pool.workers}/${formatLimit(pool.maxWorkers)} workers`,
    plural(pool.blanks, 'blank'),
    ...(pool.starting > 0 ? [`${pool.starting} starting`] : []),
    `${formatBytes(pool.memoryBytes)} of ${formatBytes(pool.memoryLimitBytes)}`,
    `${plural(gateway.requestsInFlight, 'request')} in flight`,
    ...(pool.accounting === 'polling' ? ['without cgroups'] : []),
  ]
  return `${about.join('  ')}\n${numbers.join('  ')}`
}

function noFunctions({ gateway }: GatewayStatus): string {
  return `No functions in ${plainLine(gateway.functionsDir)} yet. A file there, such as hello.ts, is one.`
}

interface Trouble {
  readonly name: string
  readonly text: string
}

/** What stands under the table about a function: its source's error, why the pool does not start it, what does not keep it. */
function troublesOf({ name, error, unavailable, isolation }: FunctionReport): Trouble[] {
  const troubles: Trouble[] = []
  if (error) {
    const place = error.file ? ` (${plainLine(error.file)}${error.line === undefined ? '' : `:${error.line}`})` : ''
    troubles.push({ name, text: `${error.code}: ${plainLine(error.message)}${place}` })
  }
  // A source that fails to load is both: the gateway's error is the one with a place, so it is told once.
  if (unavailable && unavailable.code !== error?.code) {
    const retry = `next try in ${formatDuration(unavailable.retryInMs)}`
    troubles.push({ name, text: `${unavailable.code}: ${plainLine(unavailable.message)} (${retry})` })
  }
  if (isolation.missing.length > 0) {
    const lacking = isolation.missing.map(({ mechanism, why }) => `${mechanism} (${plainLine(why)})`).join(', ')
    troubles.push({ name, text: `lacks a part of its isolation \`${isolation.profile}\`: ${lacking}` })
  }
  return troubles
}

function cellPainter(color: boolean): (cell: Cell) => string {
  const paint = createColors(color)
  return ({ text, mood }) => {
    if (mood === 'bad') return paint.red(text)
    if (mood === 'faint') return paint.dim(text)
    return mood === 'strong' ? paint.bold(text) : text
  }
}

function formatLimit(count: number): string {
  return Number.isFinite(count) ? formatCount(count) : '∞'
}

function plural(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`
}
