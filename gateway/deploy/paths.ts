/**
 * Which paths an uploaded folder may have. Whatever a client sends, what passes here names a file inside of one folder, and
 * the same one on every file system: nothing absolute, nothing that leads out, no two that differ in case only, and
 * none that is a file and a folder at once.
 */

const MAX_PATH_BYTES = 1024
const MAX_NAME_BYTES = 255
const MAX_DEPTH = 32
/** Control characters, and what separates folders elsewhere. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: those are what must not be there
const FORBIDDEN = /[\u0000-\u001f\u007f\\]/

/** What is wrong with one path; null: nothing. */
export function pathProblem(path: string): string | null {
  if (path === '') return 'it is empty'
  // What stands for bytes that were none: the name that was meant is lost.
  if (!path.isWellFormed() || path.includes('\ufffd')) return 'it is no text in UTF-8'
  if (FORBIDDEN.test(path)) return 'it has a control character or a backslash'
  if (path.startsWith('/')) return 'it is absolute'
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) return `it is longer than ${MAX_PATH_BYTES} bytes`
  const names = path.split('/')
  if (names.length > MAX_DEPTH) return `it is deeper than ${MAX_DEPTH} folders`
  if (names.includes('..')) return 'it leads out of the folder'
  if (names.some((name) => name === '' || name === '.')) return 'it has an empty part'
  if (names.some((name) => Buffer.byteLength(name) > MAX_NAME_BYTES))
    return `a name is longer than ${MAX_NAME_BYTES} bytes`
  return null
}

/** What is wrong with paths that are each fine, taken together; null: nothing. */
export function togetherProblem(paths: readonly string[]): string | null {
  const files = new Map<string, string>()
  const folders = new Map<string, string>()
  const seen = new Set<string>()
  for (const path of paths) {
    const key = folded(path)
    const other = files.get(key)
    if (other === path) return `${shown(path)} is there twice`
    if (other !== undefined) return `${shown(other)} and ${shown(path)} differ in case only`
    files.set(key, path)
    for (let at = path.indexOf('/'); at >= 0; at = path.indexOf('/', at + 1)) {
      const folder = path.slice(0, at)
      if (seen.has(folder)) continue
      seen.add(folder)
      const known = folders.get(folded(folder))
      if (known !== undefined && known !== folder) return `${shown(known)} and ${shown(folder)} differ in case only`
      folders.set(folded(folder), folder)
    }
  }
  const both = [...folders].find(([key]) => files.has(key))
  return both === undefined ? null : `${shown(both[1])} is a file and a folder`
}

/** As text of an error: no longer than a line, and nothing in it that a terminal would obey. */
export function shown(path: string): string {
  const text = JSON.stringify(path)
  return text.length > 200 ? `${text.slice(0, 200)}…` : text
}

/** Names that some file system takes for the same have the same. */
function folded(path: string): string {
  return path.normalize('NFC').toLowerCase()
}
