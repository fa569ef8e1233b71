/**
 * What functions commonly use of Node, loaded before there are forks: each has it for nothing then, and it takes a booted
 * worker 15 ms for `crypto` and 40 for `fetch`. Nothing of it is used here: what Node draws ahead of random numbers, or
 * opens, it would otherwise do once for all.
 */
import { nativeWeb } from '../web/native.ts'
import { seedNewContexts } from './random-seeds.ts'

const MODULES = [
  'assert',
  'async_hooks',
  'buffer',
  'child_process',
  'crypto',
  'dns',
  'events',
  'fs/promises',
  'http',
  'https',
  'module',
  'os',
  'path',
  'perf_hooks',
  'process',
  'querystring',
  'readline',
  'stream/promises',
  'stream/web',
  'string_decoder',
  'timers/promises',
  'tls',
  'url',
  'util',
  'v8',
  'vm',
  'worker_threads',
  'zlib',
]

/** Globals that are loaded when they are looked at. */
const GLOBALS = ['crypto', 'ReadableStream', 'Blob', 'CompressionStream', 'TextDecoderStream', 'BroadcastChannel']

export async function preload(): Promise<void> {
  seedNewContexts()
  for (const name of MODULES) process.getBuiltinModule(`node:${name}`)
  for (const name of GLOBALS) void (globalThis as unknown as Record<string, unknown>)[name]
  nativeWeb()
  // An `import` looks at all that a module exports, and some of that is loaded only then.
  for (const name of MODULES) await import(`node:${name}`)
}
