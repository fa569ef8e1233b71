/**
 * The imports that Workers have besides code, as wrangler's own rules say what they become: `.txt`, `.html` and `.sql` a
 * text, `.bin` an ArrayBuffer, `.wasm` (and `.wasm?module`) a `WebAssembly.Module`. No other code imports such files. The
 * `rules` of a Worker's own configuration name further files by patterns.
 */
import { readFile } from 'node:fs/promises'
import { extname, relative } from 'node:path'
import type { Loader, OnLoadResult, Plugin } from 'esbuild'

/** What the content of a file becomes. */
export type ModuleKind = 'text' | 'data' | 'wasm'

export interface ModuleRule {
  readonly kind: ModuleKind
  /** Relative to the function's folder: `*` within a name, `**` across folders. */
  readonly globs: readonly string[]
}

/** esbuild's `loader`: it has a word for texts. */
export const TEXT_MODULES: Readonly<Record<string, Loader>> = { '.txt': 'text', '.html': 'text', '.sql': 'text' }

const KIND_BY_ENDING: Readonly<Record<string, ModuleKind>> = { '.wasm': 'wasm', '.bin': 'data' }
const BYTES = 'Uint8Array.from(atob(text), (character) => character.charCodeAt(0))'
const REST_OF_GLOB = /\*\*\/|\*\*|\*|\?|[^*?]+/g

/** `root`: the function's folder, to which the patterns are relative. */
export function workersModules(root = '', rules: readonly ModuleRule[] = []): Plugin {
  const patterns = rules.map(({ kind, globs }) => ({ kind, patterns: globs.map(patternOf) }))
  const kindOf = (path: string): ModuleKind | undefined => {
    const inside = relative(root, path)
    return patterns.find((rule) => rule.patterns.some((pattern) => pattern.test(inside)))?.kind
  }
  return {
    name: 'workers-modules',
    setup(build) {
      if (rules.length > 0) {
        build.onLoad({ filter: /.*/, namespace: 'file' }, async ({ path }) => {
          const kind = kindOf(path)
          return kind === undefined ? undefined : moduleOf(path, kind)
        })
      }
      build.onLoad({ filter: /\.(?:wasm|bin)$/, namespace: 'file' }, ({ path }) =>
        moduleOf(path, KIND_BY_ENDING[extname(path)]!),
      )
    },
  }
}

async function moduleOf(path: string, kind: ModuleKind): Promise<OnLoadResult> {
  if (kind === 'text') return { contents: await readFile(path), loader: 'text' }
  const text = JSON.stringify(await readFile(path, 'base64'))
  const value = kind === 'data' ? `${BYTES}.buffer` : `new WebAssembly.Module(${BYTES})`
  return { contents: `const text = ${text}\nexport default ${value}\n`, loader: 'js' }
}

function patternOf(glob: string): RegExp {
  const parts = glob.replace(/^\.\//, '').match(REST_OF_GLOB) ?? []
  return new RegExp(`^${parts.map(partOf).join('')}$`)
}

function partOf(part: string): string {
  if (part === '**/') return '(?:.*/)?'
  if (part === '**') return '.*'
  if (part === '*') return '[^/]*'
  return part === '?' ? '[^/]' : part.replace(/[.+^${}()|[\]\\]/g, '\\$&')
}
