/**
 * Finishes what esbuild wrote: takes out of code and source map what depends on where the folder lies, and gives a
 * CommonJS entry the exports that Node would show.
 */
import { withoutPrefix } from './own-files.ts'

/**
 * Names modules from node_modules `node_modules/…` however far away that folder is. esbuild writes a module's path
 * (relative to the function) into a comment line and into the wrapper of a CommonJS module, and nowhere else.
 */
export function portableCode(code: string, inputs: readonly string[]): string {
  const renamed = new Map<string, string>()
  for (const input of inputs) {
    const portable = portablePath(input)
    if (portable === input) continue
    renamed.set(`// ${input}`, `// ${portable}`)
    const [from, to] = [JSON.stringify(input), JSON.stringify(portable)]
    for (const params of ['', 'exports', 'exports, module'])
      renamed.set(`  ${from}(${params}) {`, `  ${to}(${params}) {`)
  }
  if (renamed.size === 0) return code
  return code
    .split('\n')
    .map((line) => renamed.get(line) ?? line)
    .join('\n')
}

/** The source map with the author's own text, and with sources that lead to the copies in `files/`. */
export function portableMap(map: string, isOwn: (source: string) => boolean): string {
  const parsed = JSON.parse(map) as { sources: string[]; sourcesContent?: (string | null)[] }
  parsed.sources = parsed.sources.map((source) => (isOwn(source) ? `files/${source}` : portablePath(source)))
  parsed.sourcesContent = parsed.sourcesContent?.map((text) => text && withoutPrefix(text))
  return JSON.stringify(parsed)
}

function portablePath(path: string): string {
  return path.replace(/^(?:.*?\/)?(?=node_modules\/)/, '')
}

/**
 * What the runtime sees of a CommonJS entry is what `import * as x from './entry.cjs'` gives in Node: `default` is
 * `module.exports` (or `exports.default` of a transpiled module), `'module.exports'` is the whole, and names that
 * can be read off the text (`exports.GET =`, `module.exports.GET =`, `Object.defineProperty(exports, 'GET'`,
 * `module.exports = { GET`) are exports of their own. Code of an entry that is a module is returned as it is.
 */
export function withCommonJsExports(code: string, entryText: string): string {
  return code.replace(
    /\nexport default (require_[^\s()]+)\(\);\n(?=(?:\/\/# sourceMappingURL=.*\n)?$)/,
    (_all, load) => {
      const names = namesOf(entryText)
      const lines = [
        `var __wfEntry = ${load}();`,
        'var __wfDefault = __wfEntry?.__esModule && "default" in __wfEntry ? __wfEntry.default : __wfEntry;',
        'export { __wfDefault as default, __wfEntry as "module.exports" };',
        ...names.map(
          (name) => `var __wfExport_${name} = __wfEntry?.${name};\nexport { __wfExport_${name} as ${name} };`,
        ),
      ]
      return `\n${lines.join('\n')}\n`
    },
  )
}

const ASSIGNED = /(?:^|[^.\w$])(?:module\s*\.\s*)?exports\s*\.\s*([A-Za-z_$][\w$]*)\s*=(?!=)/g
const DEFINED = /Object\s*\.\s*defineProperty\s*\(\s*(?:module\s*\.\s*)?exports\s*,\s*["']([A-Za-z_$][\w$]*)["']/g
const LITERAL = /(?:^|[^.\w$])module\s*\.\s*exports\s*=\s*\{([^{}]*)/g
const NOT_NAMES = new Set(['default', '__esModule'])

function namesOf(text: string): string[] {
  const direct = [ASSIGNED, DEFINED].flatMap((pattern) => [...text.matchAll(pattern)].map((match) => match[1] ?? ''))
  // Only the plain beginning of an object literal, as in Node: a key counts up to the first value with braces.
  const literal = [...text.matchAll(LITERAL)].flatMap((match) => keysOf(match[1] ?? ''))
  return [...new Set([...direct, ...literal])].filter((name) => name !== '' && !NOT_NAMES.has(name)).sort()
}

function keysOf(literal: string): string[] {
  return literal.split(',').map((part) => /^\s*(?:async\s+)?([A-Za-z_$][\w$]*)\s*(?:[:(]|$)/.exec(part)?.[1] ?? '')
}
