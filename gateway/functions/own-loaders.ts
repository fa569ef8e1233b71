/**
 * Lets bundled modules load by names that only running code knows: `require(name)`, `require.resolve`, `require.cache`
 * and `import(name)` start from the module that they stand in, as in the source folder. What such a call finds in the
 * bundle is that one instance of it; everything else is loaded by the runtime from the folder's copy and its packages.
 * Names are exchanged for others of the same length, so that source maps stay true.
 */
import { isBuiltin } from 'node:module'

/** A comment in the banner, which a bundle that needs it exchanges for its loaders. */
const PLACE = '/* loaders */'

/** Stands in the banner's line once a bundle uses its loaders. */
export const LOADERS_IN_USE = 'const __wfBundled ='

/** Needs the names of own-files.ts and host-module.ts, which stand before it. One line, as all of the banner. */
export const LOADERS_BANNER = [
  'let __wfIsShared = false; function __wfShare() { if (__wfIsShared) return; __wfIsShared = true;',
  'for (const [path, load] of __wfBundled()) { const { filename, dirname } = __wfModule(path);',
  'require.cache[filename] ??= { id: filename, filename, path: dirname, parent: __wfHost, children: [], paths: [],',
  'loaded: true, get exports() { return load(); } }; } }',
  'function __wfRequireOf(path) { let own; const get = () => own ??= __wfCreateRequire(__wfModule(path).filename);',
  // A package that lies elsewhere (a link, a folder further up) finds what the function itself sees, too.
  'const load = (id) => { let from = get(); try { from.resolve(id); } catch (error) {',
  'from = __wfCreateRequire(__wfHost.filename); if (/^[./]/.test(id)) throw error;',
  'try { from.resolve(id); } catch { throw error; } } __wfShare(); return from(id); };',
  'for (const name of ["resolve", "cache", "extensions"]) Object.defineProperty(load, name, { get: () => get()[name] });',
  'load.main = __wfHost; return load; }',
  'function __wfImportOf(path) { let own; return (name, options) => (own ??= __wfImporter(__wfModule(path)))(name, options); }',
  'function __wfImporter({ filename, url }) { __wfShare(); if (process.versions.bun || process.versions.deno)',
  'return (name, options) => import(/^\\.{0,2}\\//.test(name) ? new URL(name, url).href : name, options);',
  'const vm = process.getBuiltinModule("node:vm");',
  'return vm.compileFunction("return import(name, options)", ["name", "options"],',
  '{ filename, importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER }); }',
  PLACE,
].join(' ')

const REQUIRE = /\b__require\b(\("([^"]+)"\))?/g
const IMPORT = /\bimport(?=\((?!\s*["']))/g
const COMMONJS = /^var (require_[^\s=]+) = __commonJS\(\{$/m
/** As many as two digits of the names for `import` can say. */
const MOST_LOADERS = 36 ** 2

export interface BundledModules {
  /** As esbuild names them, in any order. */
  readonly inputs: readonly string[]
  /** Where a module really lies: relative to the function's folder where it is the function's own, else absolute. */
  place(input: string): { readonly path: string; readonly isOwn: boolean }
}

/** `code` as esbuild wrote it: each module begins with a line that names it. */
export function withOwnLoaders(code: string, { inputs, place }: BundledModules): string {
  const known = new Set(inputs)
  const found: { declarations: string[]; shared: string[]; isAsked: boolean } = {
    declarations: [],
    shared: [],
    isAsked: false,
  }
  let input = ''
  const parts = code.split(/^(?=\/\/ )/m).map((part) => {
    // Other lines that begin like that are comments of the authors, within a module.
    const named = part.slice(3, part.indexOf('\n'))
    if (known.has(named)) input = named
    if (input === '') return part
    const { path, isOwn } = place(input)
    const commonJs = COMMONJS.exec(part)?.[1]
    if (commonJs !== undefined) found.shared.push(`[${JSON.stringify(path)}, () => ${commonJs}()]`)
    if (isOwn && part.includes('createRequire')) found.isAsked = true
    return withLoaders(part, path, isOwn, found.declarations)
  })
  if (found.declarations.length === 0 && !found.isAsked) return code
  const loaders = [
    `${LOADERS_IN_USE} () => [${found.shared.join(', ')}];`,
    ...found.declarations,
    ...(found.isAsked ? ['__wfShare();'] : []),
  ]
  return parts.join('').replace(PLACE, () => loaders.join(' '))
}

function withLoaders(part: string, path: string, isOwn: boolean, declarations: string[]): string {
  if (declarations.length >= MOST_LOADERS) return part
  const digits = declarations.length.toString(36)
  const names = { require: `__wfr${digits.padStart(4, '0')}`, import: `_wfi${digits.padStart(2, '0')}` }
  const used = new Set<'require' | 'import'>()
  const exchanged = part.replace(REQUIRE, (all, args = '', literal: string | undefined = undefined) => {
    if (literal !== undefined && isBuiltin(literal)) return all
    used.add('require')
    return names.require + args
  })
  const whole = isOwn
    ? exchanged.replace(IMPORT, () => {
        used.add('import')
        return names.import
      })
    : exchanged
  if (used.size === 0) return part
  const place = JSON.stringify(path)
  declarations.push(
    [
      ...(used.has('require') ? [`const ${names.require} = __wfRequireOf(${place});`] : []),
      ...(used.has('import') ? [`const ${names.import} = __wfImportOf(${place});`] : []),
    ].join(' '),
  )
  return whole
}

const PATTERN = /\b(require|import)(\s*\(\s*)(?=(['"])\.{1,2}\/[^'"\n]*\3\s*\+|`\.{1,2}\/[^`\n]*\$\{)/g

/**
 * Loads that esbuild answers with every file of a folder (`require('./routes/' + name)`). Where one of those files does
 * not build (a template beside the code, a package that nobody installed), they can be left to the running code, which
 * loads what it asks for only.
 */
export class Patterns {
  readonly areLeft: boolean
  /** True: some module that was read has one. */
  areThere = false

  constructor(areLeft: boolean) {
    this.areLeft = areLeft
  }

  /** The module's text, in which esbuild recognises none where they are left. */
  seen(text: string): string {
    if (text.search(PATTERN) < 0) return text
    this.areThere = true
    return this.areLeft ? text.replace(PATTERN, '$1$2String()+') : text
  }
}

const CHOOSES = '  var fn = map[path];\n'
const REFUSES = '  throw new Error("Module not found in bundle: " + path);\n'
const ENDINGS = '[".js", ".json", ".ts", ".mjs", ".cjs", ".mts", ".cts", ".tsx", ".jsx"]'

/**
 * A name with a text at its beginning (`require('./routes/' + name)`) is looked up by esbuild among the files of that
 * folder, by their whole names. Node also takes one without its ending, and a folder with an index.
 */
export function withNodesNames(code: string): string {
  const names = `${ENDINGS}.map((end) => path + end).concat(${ENDINGS}.map((end) => path.replace(/\\/?$/, "/index") + end))`
  return code
    .replace(CHOOSES, () => `  var fn = map[path] ?? map[${names}.find((name) => map[name])];\n`)
    .replace(
      REFUSES,
      () => `  throw Object.assign(new Error("Cannot find module '" + path + "'"), { code: "MODULE_NOT_FOUND" });\n`,
    )
}
