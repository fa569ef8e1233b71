/**
 * An Azure app names its modules in package.json with a pattern: `"main": "src/{index.js,functions/*.js}"`. Such a
 * folder's entry is its package.json, which is built as a module that imports all that the pattern means. Where the
 * pattern names what a TypeScript build would have written, `dist/…`, and that is not there, the sources are meant.
 */
import { globSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import type { Plugin } from 'esbuild'
import { VIRTUAL } from './platform-modules.ts'

const PATTERN = /[*?[\]{}]/
const MODULE = /\.(?:[cm]?[jt]s|[jt]sx)$/
const NOT_ONE = /\.(?:d\.[cm]?ts|(?:test|spec)\.[^.]+)$/

export function isPattern(main: string): boolean {
  return PATTERN.test(main)
}

/** The modules under `dir` that a `main` with a pattern means: paths relative to it, sorted. */
export function modulesOf(dir: string, main: string): string[] {
  const stated = matching(dir, main)
  if (stated.length > 0 || !/^(?:\.\/)?dist\//.test(main)) return stated
  return matching(dir, main.replace(/^(?:\.\/)?dist\//, '').replace(/\.([cm]?)js\b/g, '.$1ts'))
}

function matching(dir: string, pattern: string): string[] {
  return globSync(pattern, { cwd: dir })
    .filter((path) => MODULE.test(path) && !NOT_ONE.test(path) && !path.split('/').includes('node_modules'))
    .sort()
}

/** Makes a build whose entry is such a package.json. `text`: what is in there. */
export function azureEntry(entry: string, text: string): Plugin {
  const dir = dirname(entry)
  return {
    name: 'azure-entry',
    setup(build) {
      build.onResolve({ filter: /package\.json$/ }, ({ kind }) => {
        return kind === 'entry-point' ? { path: basename(entry), namespace: VIRTUAL } : undefined
      })
      build.onLoad({ filter: /^package\.json$/, namespace: VIRTUAL }, () => {
        const { main } = JSON.parse(text) as { main: string }
        const imports = modulesOf(dir, main).map((path) => `import ${JSON.stringify(`./${path}`)}`)
        return { contents: imports.join('\n'), loader: 'js', resolveDir: dir }
      })
    },
  }
}
