/**
 * Keeps memory flat while large bodies pass. Their chunks are big outside the heap and tiny inside it, so V8 sees no
 * reason to collect until some 64 MiB of them have piled up. After every few megabytes of bodies one minor collection
 * (under a millisecond, since hardly anything young survives) gives the chunks back that are done with.
 */
const COLLECT_EVERY_BYTES = 16 * 1024 * 1024

type Collect = (options: { type: 'minor' } | { type: 'major'; flavor: 'last-resort' }) => void

let passedBytes = 0
let collect: Collect | null = null

/** To be told of every chunk that passes. */
export function countBodyBytes(bytes: number): void {
  passedBytes += bytes
  if (passedBytes < COLLECT_EVERY_BYTES) return
  passedBytes = 0
  garbageCollector()({ type: 'minor' })
}

/** V8's own, made with the first question. */
export function garbageCollector(): Collect {
  collect ??= makeCollector()
  return collect
}

function makeCollector(): Collect {
  // Loaded here: a tenth of what a worker's boot takes beyond Node's own would go into what most never use.
  const { setFlagsFromString } = process.getBuiltinModule('node:v8')
  const { runInNewContext } = process.getBuiltinModule('node:vm')
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc') as Collect
}
