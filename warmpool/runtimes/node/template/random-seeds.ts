/**
 * Where `Math.random` begins. V8 draws that for each new context from a generator that all forks have in the same state, so
 * their numbers would be the same ones. Its flag for it holds for all threads and contexts from then on: it is set for as
 * long as one begins, and taken back, so that a thread draws its own from the system.
 */
import type { Context } from 'node:vm'

const NONE = 0

/** In a fork: its own first context. */
export function seedRandomness(seed: number): void {
  begin(seed)
  // Drawn once, it goes on by itself.
  Math.random()
  begin(NONE)
}

/** In a template, so that it costs no fork anything: contexts that functions make. Before anybody imports `node:vm`. */
export function seedNewContexts(): void {
  const vm = process.getBuiltinModule('node:vm')
  const { createContext, runInNewContext, Script } = vm
  const draw = new Script('Math.random()')
  vm.createContext = ((object?: Context, ...options: []) => {
    const context = createContext(object, ...options)
    // What is called that may be anybody's there.
    if (typeof object !== 'object' || !('Math' in object)) seeded(() => draw.runInContext(context))
    return context
  }) as typeof createContext
  vm.runInNewContext = ((...words: Parameters<typeof runInNewContext>) =>
    seeded(() => runInNewContext(...words))) as typeof runInNewContext
  const { runInNewContext: runScript } = Script.prototype
  Script.prototype.runInNewContext = function (...words) {
    return seeded(() => runScript.apply(this, words))
  }
}

function seeded<T>(act: () => T): T {
  // Not `randomInt`: that keeps numbers ahead, and a template that calls this would leave the same ones to all its forks.
  begin((process.getBuiltinModule('node:crypto').randomBytes(4).readUInt32LE() >>> 1) | 1)
  try {
    return act()
  } finally {
    begin(NONE)
  }
}

function begin(seed: number): void {
  process.getBuiltinModule('node:v8').setFlagsFromString(`--random-seed=${seed}`)
}
