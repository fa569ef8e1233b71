/**
 * Keeps `import.meta.url`, `dirname`, `filename` and `resolve`, `__dirname` and `__filename` true after bundling. In a function's own modules they point at the module's copy in the bundle's `files/` folder, computed
 * when the bundle runs, so that no path of the building machine is in it. In modules from elsewhere (node_modules,
 * files shared by functions) they point at the real file.
 */
import { readFile } from 'node:fs/promises'
import type { Plugin } from 'esbuild'
import { HOST_BANNER, HOST_DEFINE } from './host-module.ts'
import { LOADERS_BANNER, LOADERS_IN_USE, type Patterns } from './own-loaders.ts'

/** Before any module of a bundle: a `require` for bundled CommonJS, and what modules call to learn where they are. */
export const BUNDLE_BANNER = [
  'import { createRequire as __wfCreateRequire } from "node:module";',
  'import { dirname as __wfDirname, resolve as __wfResolve } from "node:path";',
  'import { pathToFileURL as __wfPathToFileURL } from "node:url";',
  'const require = __wfCreateRequire(import.meta.url);',
  'function __wfModule(path) {' +
    ' const filename = __wfResolve(import.meta.dirname, "files", path);' +
    ' const url = __wfPathToFileURL(filename).href;' +
    ' return { filename, dirname: __wfDirname(filename), url, resolve: (name) => __wfResolveFrom(name, filename, url) };' +
    ' }',
  // As `import.meta.resolve`, which starts from the bundle: packages in the folder itself are found as `require` finds them.
  'function __wfResolveFrom(name, filename, url) {' +
    ' if (/^\\.{0,2}\\//.test(name)) return new URL(name, url).href;' +
    ' try { return import.meta.resolve(name); }' +
    ' catch { return __wfPathToFileURL(__wfCreateRequire(filename).resolve(name)).href; }' +
    ' }',
  HOST_BANNER,
  LOADERS_BANNER,
].join('\n')

/** esbuild's `define`: it knows one value for the whole bundle, hence a variable that each module declares itself. */
export const OWN_FILES_DEFINE = {
  'import.meta.url': '__wfMeta.url',
  'import.meta.dirname': '__wfMeta.dirname',
  'import.meta.filename': '__wfMeta.filename',
  'import.meta.resolve': '__wfMeta.resolve',
  __dirname: '__wfMeta.dirname',
  __filename: '__wfMeta.filename',
  ...HOST_DEFINE,
}

const MENTIONS = /\bimport\s*\.\s*meta\b|\b__dirname\b|\b__filename\b/
const PREFIX = /var __wfMeta = \/\* @__PURE__ \*\/ __wfModule\("(?:[^"\\]|\\.)*"\); /

/** Where a file is copied to under `files/`, with forward slashes; undefined if it is not a function's own. */
export type OwnPath = (file: string) => string | undefined

/** Changes the text of a module before it is compiled. */
type Prepare = (text: string, path: string) => Promise<string>

/** Declares the variable of {@link OWN_FILES_DEFINE} in every module that needs it. */
export function ownFiles(ownPath: OwnPath, prepare: Prepare | null = null, patterns?: Patterns): Plugin {
  return {
    name: 'own-files',
    setup(build) {
      build.onLoad({ filter: /\.(?:[cm]?[jt]s|[jt]sx)$/ }, async ({ path, namespace }) => {
        if (namespace !== 'file') return undefined
        // esbuild reports a file that cannot be read better than we could.
        const written = await readFile(path, 'utf8').catch(() => '')
        const prepared = prepare === null ? written : await prepare(written, path)
        const text = patterns === undefined ? prepared : patterns.seen(prepared)
        if (MENTIONS.test(text)) return { contents: withPrefix(text, ownPath(path) ?? path), loader: 'default' }
        return text === written ? undefined : { contents: text, loader: 'default' }
      })
    },
  }
}

/** On the first line and not on one of its own, so that line numbers stay; behind a `#!`, which must come first. */
function withPrefix(text: string, path: string): string {
  const start = text.startsWith('#!') ? text.indexOf('\n') + 1 || text.length : 0
  const prefix = `var __wfMeta = /* @__PURE__ */ __wfModule(${JSON.stringify(path)}); `
  return text.slice(0, start) + prefix + text.slice(start)
}

/** The author's own text of a module, for source maps. */
export function withoutPrefix(text: string): string {
  return text.replace(PREFIX, '')
}

/** An esbuild location as if nothing had been put in front of the line. */
export function withoutOwnFilesPrefix<T extends { column: number; lineText: string }>(location: T): T {
  const length = PREFIX.exec(location.lineText)?.[0].length ?? 0
  if (length === 0) return location
  return { ...location, lineText: withoutPrefix(location.lineText), column: Math.max(0, location.column - length) }
}

const BANNER_LINES = BUNDLE_BANNER.split('\n')
const NEEDS_ANY = /\b(?:__wf\w+|__require|require)\b/
/** Which line of the banner is there for which names. */
const NEEDED_FOR: readonly (readonly [start: string, names: RegExp])[] = [
  ['function __wfResolveFrom', /\b__wfMeta\.resolve\b/],
  ['const __wfHost', /\b__wfHost\b/],
]

/** Empties the lines of the banner that a bundle does not use: reading them takes as long as a small function does. */
export function withoutIdleBanner(code: string): string {
  const end = BANNER_LINES.reduce((at) => code.indexOf('\n', at) + 1, 0)
  const own = code.slice(end)
  if (!NEEDS_ANY.test(own) && !code.slice(0, end).includes(LOADERS_IN_USE))
    return '\n'.repeat(BANNER_LINES.length) + own
  const lines = code.slice(0, end).split('\n')
  const loaders = lines.at(-2)!.includes(LOADERS_IN_USE) ? lines.at(-2)! : ''
  const kept = lines.slice(0, -2).map((line) => {
    const names = NEEDED_FOR.find(([start]) => line.startsWith(start))?.[1]
    return names === undefined || names.test(own + loaders) ? line : ''
  })
  return [...kept, loaders, own].join('\n')
}
