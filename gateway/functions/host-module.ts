/**
 * What a function's CommonJS modules learn of who loads them. Elsewhere a host requires the module, so `module.parent` is
 * somebody and `require.main === module` is false: that is how apps tell being imported from being started, and whether
 * they listen. In a bundle there is no such module, so this one stands for it. It lies in the function's own folder,
 * where `require.main.filename` is looked up to find that folder.
 */

/** Needs the `require` and the names of own-files.ts, which stand before it. */
export const HOST_BANNER =
  'const __wfHost = { id: ".", filename: __wfModule("host.cjs").filename, path: __wfModule("host.cjs").dirname, ' +
  'exports: {}, parent: null, children: [], paths: [], loaded: true, require };'

/** esbuild's `define`: there is no other main module, in whichever of the bundled modules it is asked for. */
export const HOST_DEFINE = { 'require.main': '__wfHost' }

const WRAPPER = '((mod = { exports: {} }).exports, mod)'
const WITH_PARENT = '((mod = { exports: {}, parent: __wfHost }).exports, mod)'

/** Gives each bundled CommonJS module its parent. On the same line, for the source map. */
export function withHost(code: string): string {
  return code.replace(WRAPPER, () => WITH_PARENT)
}
