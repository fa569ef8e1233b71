/**
 * V8's own garbage collector, to be called. What makes it reachable is loaded with the first question and not before:
 * it is a part of a worker's boot that most workers never need.
 */

export type Collect = (options: { type: 'minor' } | { type: 'major'; flavor: 'last-resort' }) => void

let collect: Collect | null = null

export function garbageCollector(): Collect {
  collect ??= makeCollector()
  return collect
}

function makeCollector(): Collect {
  // Bun's engine is another one, and cannot be asked so.
  if (process.versions.bun !== undefined) return () => {}
  const { setFlagsFromString } = process.getBuiltinModule('node:v8')
  const { runInNewContext } = process.getBuiltinModule('node:vm')
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc') as Collect
}
