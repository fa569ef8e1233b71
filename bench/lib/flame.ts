/**
 * A CPU profile as V8 writes it, as a flame graph in text: the frames that take most, under their callers, with the
 * share of the busy time spent in and below each. Pure.
 */

export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number }
    readonly children?: readonly number[]
  }[]
  readonly samples: readonly number[]
  readonly timeDeltas: readonly number[]
}

export interface FlameOptions {
  /** Frames below this share of the busy time are left out. */
  readonly leastShare: number
  /** Times the share of the widest bar. */
  readonly barChars: number
}

interface Frame {
  readonly label: string
  selfUs: number
  totalUs: number
  readonly children: Map<string, Frame>
}

/** Time in which the process did nothing is no part of it. */
const NOT_BUSY = new Set(['(idle)', '(program)'])

export function renderFlame(profile: CpuProfile, { leastShare, barChars }: FlameOptions): string {
  const root = mergeStacks(profile)
  const lines: string[] = []
  const add = (frame: Frame, depth: number): void => {
    const share = frame.totalUs / root.totalUs
    if (share < leastShare) return
    const percent = `${(share * 100).toFixed(1)} %`.padStart(7)
    const self = ((frame.selfUs / root.totalUs) * 100).toFixed(1)
    lines.push(
      `${percent} ${'█'.repeat(Math.round(share * barChars)).padEnd(barChars)} ${'  '.repeat(depth)}${frame.label} (${self} itself)`,
    )
    for (const child of [...frame.children.values()].sort((a, b) => b.totalUs - a.totalUs)) add(child, depth + 1)
  }
  for (const child of [...root.children.values()].sort((a, b) => b.totalUs - a.totalUs)) add(child, 0)
  return lines.join('\n')
}

/** The samples as one tree, in which frames of the same function under the same callers are one. */
function mergeStacks({ nodes, samples, timeDeltas }: CpuProfile): Frame {
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const parents = new Map(nodes.flatMap((node) => (node.children ?? []).map((child) => [child, node.id] as const)))
  const root = newFrame('')
  for (const [at, sample] of samples.entries()) {
    const leaf = byId.get(sample)!
    const tookUs = timeDeltas[at]!
    if (NOT_BUSY.has(leaf.callFrame.functionName) || tookUs <= 0) continue
    const stack: string[] = []
    for (let id: number | undefined = sample; id !== undefined; id = parents.get(id)) stack.push(labelOf(byId.get(id)!))
    root.totalUs += tookUs
    let frame = root
    // The outermost is V8's own root.
    for (const label of stack.reverse().slice(1)) {
      frame = childOf(frame, label)
      frame.totalUs += tookUs
    }
    frame.selfUs += tookUs
  }
  return root
}

function childOf(frame: Frame, label: string): Frame {
  let child = frame.children.get(label)
  if (child === undefined) {
    child = newFrame(label)
    frame.children.set(label, child)
  }
  return child
}

function newFrame(label: string): Frame {
  return { label, selfUs: 0, totalUs: 0, children: new Map() }
}

function labelOf({ callFrame }: CpuProfile['nodes'][number]): string {
  const { functionName, url, lineNumber } = callFrame
  const name = functionName === '' ? '(anonymous)' : functionName
  const file = url.replace(/^.*\/(gateway|warmpool)\//, '$1/')
  return url === '' ? name : `${name} ${file}:${lineNumber + 1}`
}
