/**
 * The table of functions: what its columns hold, which of them a narrow terminal goes without, and how they stand
 * beside each other. Pure, and quick with a thousand functions: it is drawn anew each second under --watch.
 */
import type { FunctionReport } from '../admin/status.ts'
import { formatCount, formatMs, plainLine } from './format.ts'

/** How a cell is to be read. Colour is somebody else's choice. */
export type Mood = 'plain' | 'strong' | 'faint' | 'bad'

export interface Cell {
  readonly text: string
  readonly mood: Mood
}

interface Column {
  readonly title: string
  readonly align: 'left' | 'right'
  /** The lowest are left out first; the name never is. */
  readonly worth: number
  readonly cell: (fn: FunctionReport) => Cell
}

const COLUMNS: readonly Column[] = [
  { title: 'function', align: 'left', worth: 100, cell: name },
  { title: 'version', align: 'right', worth: 1, cell: (fn) => count(fn.version) },
  { title: 'runtime', align: 'left', worth: 35, cell: runtime },
  { title: 'workers', align: 'left', worth: 90, cell: workers },
  { title: 'isolation', align: 'left', worth: 33, cell: isolation },
  { title: 'warm', align: 'right', worth: 40, cell: (fn) => count(fn.starts.warm) },
  { title: 'blank', align: 'right', worth: 30, cell: (fn) => count(fn.starts.blank) },
  { title: 'cold', align: 'right', worth: 50, cell: (fn) => count(fn.starts.cold) },
  { title: 'calls', align: 'right', worth: 80, cell: (fn) => count(fn.invocations) },
  { title: 'errors', align: 'right', worth: 85, cell: (fn) => count(fn.errors, 'bad') },
  { title: 'p50 ms', align: 'right', worth: 60, cell: (fn) => latency(fn.latencyMs.p50) },
  { title: 'p99 ms', align: 'right', worth: 70, cell: (fn) => latency(fn.latencyMs.p99) },
  { title: 'queue', align: 'right', worth: 20, cell: (fn) => count(fn.queue) },
  { title: 'recycled', align: 'left', worth: 10, cell: recycled },
]

const GAP = '  '
const LONGEST_NAME = 40
const LONGEST_RUNTIME = 28

/** Renders one line per function under a line of titles, within `width` as far as the name column allows. */
export function renderColumns(
  functions: readonly FunctionReport[],
  width: number,
  paint: (cell: Cell) => string,
): string {
  const measured = COLUMNS.map((column): Measured => {
    const cells = functions.map(column.cell)
    const widest = cells.reduce((most, { text }) => Math.max(most, text.length), column.title.length)
    return { ...column, cells, widest }
  })
  const kept = withinWidth(measured, width)
  const titles = kept.map((column) => pad({ text: column.title, mood: 'faint' }, column, paint))
  const rows = functions.map((_, row) => kept.map((column) => pad(column.cells[row]!, column, paint)))
  return [titles, ...rows].map((cells) => cells.join(GAP).trimEnd()).join('\n')
}

interface Measured extends Column {
  readonly cells: readonly Cell[]
  /** Characters of its longest text, the title's included. */
  readonly widest: number
}

/** Colour goes round the text and not round the padding, which counts characters that are seen. */
function pad(cell: Cell, { align, widest }: Measured, paint: (cell: Cell) => string): string {
  const padding = ' '.repeat(widest - cell.text.length)
  return align === 'left' ? paint(cell) + padding : padding + paint(cell)
}

/** Leaves out the least useful columns until the rest fits. */
function withinWidth(columns: readonly Measured[], width: number): Measured[] {
  let kept = [...columns]
  const total = () => kept.reduce((sum, { widest }) => sum + widest + GAP.length, -GAP.length)
  while (kept.length > 1 && total() > width) {
    const least = kept.reduce((a, b) => (b.worth < a.worth ? b : a))
    kept = kept.filter((column) => column !== least)
  }
  return kept
}

function name(fn: FunctionReport): Cell {
  return { text: shortened(plainLine(fn.name), LONGEST_NAME), mood: fn.error || fn.unavailable ? 'bad' : 'strong' }
}

/**
 * `bun 1.4.5`, as its workers say themselves; two while workers of an older one serve on. Without a worker only the
 * name is known. What a worker says is its own text: it is kept to one short line.
 */
function runtime(fn: FunctionReport): Cell {
  const said = new Set(fn.workers.map((worker) => plainLine(worker.runtime)).filter((text) => text !== ''))
  if (said.size === 0) return { text: plainLine(fn.runtime), mood: 'faint' }
  return { text: shortened([...said].join(', '), LONGEST_RUNTIME), mood: 'plain' }
}

/** `sandbox`, or `process, 2 missing`: which those are stands under the table. */
function isolation({ isolation: { profile, missing } }: FunctionReport): Cell {
  if (missing.length > 0) return { text: `${profile}, ${missing.length} missing`, mood: 'bad' }
  return { text: profile, mood: profile === 'process' ? 'faint' : 'plain' }
}

/** `2 ready 1 busy`, in the order of a worker's life. */
function workers(fn: FunctionReport): Cell {
  const states = ['starting', 'blank', 'loading', 'ready', 'busy', 'draining'] as const
  const counted = states.flatMap((state) => {
    const many = fn.workers.filter((worker) => worker.state === state).length
    return many > 0 ? [`${many} ${state}`] : []
  })
  return counted.length > 0 ? { text: counted.join(' '), mood: 'plain' } : { text: 'none', mood: 'faint' }
}

/** `12 invocations, 1 crash`: the reasons for which workers ended, the commonest first. */
function recycled(fn: FunctionReport): Cell {
  const reasons = Object.entries(fn.deaths).filter(([, many]) => many > 0)
  const text = reasons
    .toSorted(([, a], [, b]) => b - a)
    .map(([reason, many]) => `${formatCount(many)} ${reason}`)
    .join(', ')
  return text === '' ? { text: '–', mood: 'faint' } : { text, mood: 'plain' }
}

function shortened(text: string, longest: number): string {
  return text.length > longest ? `${text.slice(0, longest - 1)}…` : text
}

function count(value: number, mood: Mood = 'plain'): Cell {
  return value === 0 ? { text: '0', mood: 'faint' } : { text: formatCount(value), mood }
}

function latency(ms: number | null): Cell {
  return ms === null ? { text: '–', mood: 'faint' } : { text: formatMs(ms), mood: 'plain' }
}
