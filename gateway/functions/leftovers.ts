/**
 * What a function leaves behind between its calls, judged: from what its process held after loading, halfway and at the
 * end, and from its answers to the same request, to findings, each with a sentence on what reuse and `concurrency`
 * mean for it. Pure: looking is reset-check.ts.
 */
import type { Traces } from '../../warmpool/index.ts'

export type LeftoverKind = Exclude<keyof Traces, 'heapBytes'> | 'memory' | 'answers'

export interface Leftover {
  readonly kind: LeftoverKind
  /** Names of what is left, each with how often where that is more than once. */
  readonly items: readonly string[]
  /** More of it with every call: then it is a leak, and not only something that stays. */
  readonly isGrowing: boolean
  /** What it is and what follows from it, for a person. */
  readonly sentence: string
}

/** What one process held, at three moments. */
export interface Seen {
  /** After loading, before any call. */
  readonly start: Traces
  readonly middle: Traces
  readonly end: Traces
  /** Calls from the middle to the end. */
  readonly callsBetween: number
}

/** The same request: first and second in one process, first in another one. */
export interface Answers {
  readonly request: string
  readonly first: string
  readonly again: string
  readonly elsewhere: string
}

/** A heap is never quite as it was: less is not told from what the engine learns about the code. */
const LEAST_GROWTH_BYTES = 256 * 1024

const FRESH = '`maxInvocations: 1` gives every call a fresh process'

const MEANINGS: Readonly<Record<Exclude<LeftoverKind, 'memory' | 'answers'>, readonly [what: string, means: string]>> =
  {
    globals: [
      'global names that calls made or changed',
      `the next call in this worker finds them, and with \`concurrency\` above 1 calls share them while they run; ${FRESH}`,
    ],
    prototypes: [
      'built-in objects that calls changed',
      `all code in this worker, packages included, sees the change from then on; change them while the module loads; ${FRESH}`,
    ],
    environment: [
      'variables that calls set, changed or removed',
      `the next call reads what this one left, and so does every call beside it with \`concurrency\` above 1; ${FRESH}`,
    ],
    folder: [
      'the process is not where it was',
      `relative paths and new files of later calls depend on which call came before; with \`concurrency\` above 1 it changes under running calls; ${FRESH}`,
    ],
    listeners: [
      'listeners on `process` that calls added',
      'they stay and are called for events of other calls; add them once, while the module loads',
    ],
    resources: [
      'timers and other handles that are still active after the answer',
      'their work runs on during later calls, and is lost when the worker is recycled; end them, or give their promise to `ctx.waitUntil`',
    ],
    descriptors: [
      'descriptors that are still open',
      'one that is used again is no harm; one for every call ends in EMFILE after some thousand calls',
    ],
    children: [
      'processes that still run',
      'they run on beside later calls, count for this worker, and are killed when it is recycled',
    ],
    threads: ['threads that still run', 'they run on during later calls, and are lost when the worker is recycled'],
    modules: [
      'module-level names whose value is another',
      `the next call in this worker finds it, and with \`concurrency\` above 1 calls share it while they run; ${FRESH}`,
    ],
  }

export function leftoversOf(seen: Seen, answers: readonly Answers[]): Leftover[] {
  const kinds = Object.keys(MEANINGS) as (keyof typeof MEANINGS)[]
  return [...kinds.flatMap((kind) => leftover(kind, seen)), ...memory(seen), ...state(answers)]
}

/** Requests of which nothing can be said: two fresh processes do not agree on the answer. */
export function undecided(answers: readonly Answers[]): string[] {
  return answers.filter(({ first, elsewhere }) => first !== elsewhere).map(({ request }) => request)
}

function leftover(kind: keyof typeof MEANINGS, { start, middle, end }: Seen): Leftover[] {
  const left = more(start[kind], end[kind])
  if (left.length === 0) return []
  const items = counted(left)
  const isGrowing = more(middle[kind], end[kind]).length > 0
  const [what, means] = MEANINGS[kind]
  const grows = isGrowing ? ', more with every few calls' : ''
  return [{ kind, items, isGrowing, sentence: `${capital(what)}${grows}: ${items.join(', ')}. ${capital(means)}.` }]
}

function memory({ middle, end, callsBetween }: Seen): Leftover[] {
  const grownBytes = end.heapBytes - middle.heapBytes
  if (grownBytes < LEAST_GROWTH_BYTES) return []
  const perCall = `${Math.round(grownBytes / callsBetween / 1024)} KiB a call`
  const sentence = `Memory that is not given back: about ${perCall} over the last ${callsBetween} calls. The worker is recycled at \`memory\`; until then \`maxInvocations\` bounds it.`
  return [{ kind: 'memory', items: [perCall], isGrowing: true, sentence }]
}

/** The answer is the same in two fresh processes, so only what a call left behind can have changed it. */
function state(answers: readonly Answers[]): Leftover[] {
  const changed = answers.filter(({ first, again, elsewhere }) => first === elsewhere && again !== first)
  if (changed.length === 0) return []
  const items = changed.map(({ request }) => request)
  const sentence = `The answer depends on earlier calls: ${items.join(', ')} is answered otherwise the second time in one worker, and alike in two fresh ones. Which of several workers a call meets is chance; keep such state outside the process; ${FRESH}.`
  return [{ kind: 'answers', items, isGrowing: false, sentence }]
}

/** What is there now and was not before, as often as it is more. */
function more(before: readonly string[], now: readonly string[]): string[] {
  const known = new Map<string, number>()
  for (const item of before) known.set(item, (known.get(item) ?? 0) + 1)
  return now.filter((item) => {
    const count = known.get(item) ?? 0
    known.set(item, count - 1)
    return count <= 0
  })
}

function counted(items: readonly string[]): string[] {
  const groups = Map.groupBy(items, (item) => item)
  return [...groups].map(([item, all]) => (all.length === 1 ? item : `${item} (${all.length} times)`))
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
