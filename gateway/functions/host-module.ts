/**
 * What a function's CommonJS modules learn of who loads them. Elsewhere a host requires the module, so `module.parent` is
 * somebody and `require.main === module` is false: that is how apps tell being imported from being started, and whether
 * they listen. In a bundle there is no such module, so this one stands for it. It lies in the function's own folder,
 * where `require.main.filename` is looked up to find that folder.
 *
 * An entry that exports nothing has nothing for a host. It can only be meant to be started, so it is the main module.
 */

/** Needs the `require` and the names of own-files.ts, which stand before it. */
export const HOST_BANNER =
  'const __wfHost = { id: ".", filename: __wfModule("host.cjs").filename, path: __wfModule("host.cjs").dirname, ' +
  'exports: {}, parent: null, children: [], paths: [], loaded: true, require };'

/** esbuild's `define`: there is no other main module, in whichever of the bundled modules it is asked for. */
export const HOST_DEFINE = { 'require.main': '__wfHost' }

const WRAPPER = '((mod = { exports: {} }).exports, mod)'
const WITH_PARENT = '((mod = { exports: {}, parent: __wfHost }).exports, mod)'

/** The first module is the main one: it is the entry. */
const WITH_MAIN =
  '((mod = __wfHost.isTaken ? { exports: {}, parent: __wfHost } : Object.assign(__wfHost, { isTaken: true })).exports, mod)'

/**
 * Gives each bundled CommonJS module its parent. On the same line, for the source map. `entry`: the text of the module
 * that the bundle starts from.
 */
export function withHost(code: string, entry: string): string {
  return code.replace(WRAPPER, () => (isToBeStarted(entry) ? WITH_MAIN : WITH_PARENT))
}

/** It asks whether it is the main module, and exports nothing. */
export function isToBeStarted(text: string): boolean {
  return /\b(?:module\.parent|require\.main)\b/.test(text) && !/\bexports\b|^\s*export\b/m.test(text)
}
