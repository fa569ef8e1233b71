/**
 * Imports as Deno writes them, for the build: the `imports` of `deno.json` (or of its import map), and the specifiers
 * `npm:`, `jsr:` and `https:`. Nothing is fetched. A package is the one that is installed; an address is a file that
 * `deno vendor` has put into `vendor/`, or a package that the address names.
 */
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { OnResolveResult, Plugin, PluginBuild } from 'esbuild'
import { asObject, asText, DataFileProblem, readDataFile } from './data-file.ts'
import { VIRTUAL } from './platform-modules.ts'

export interface ImportMap {
  /** Absolute path of the file that says it. */
  readonly file: string
  readonly imports: Readonly<Record<string, string>>
}

const FILES = ['deno.json', 'deno.jsonc', 'import_map.json']
/** Sites that serve npm's packages by their names. */
const NPM_SITES =
  /^https:\/\/(?:esm\.sh|cdn\.skypack\.dev|unpkg\.com|cdn\.jsdelivr\.net\/npm|esm\.run)\/(?:v\d+\/)?(?:\*)?/
const STD_SERVER = /^https:\/\/deno\.land\/std(?:@[^/]*)?\/http\/(?:server|mod)\.ts$/
const SERVE = `
export const serve = (handler, options = {}) => globalThis.__wranglerFree.Deno.serve(options, handler).finished
export const serveListener = () => { throw new Error('serveListener has no listener here: call Deno.serve(handler)') }
`

/** Of the folder, or of the one that it lies in, as Supabase's functions share one. `isAlone`: nothing above is read. */
export async function denoImports(root: string, isAlone: boolean): Promise<ImportMap | null> {
  for (const dir of isAlone ? [root] : [root, dirname(root)]) {
    const file = FILES.map((name) => join(dir, name)).find((path) => existsSync(path))
    if (file !== undefined) return mapIn(file, isAlone ? root : null)
  }
  return null
}

/** A file that cannot be read maps nothing: the build then says which import it cannot resolve. */
async function mapIn(file: string, within: string | null): Promise<ImportMap | null> {
  try {
    const said = asObject(await readDataFile(file))
    const other = asText(said.importMap)
    if (other !== null && said.imports === undefined && !other.includes('://'))
      return isInside(join(dirname(file), other), within) ? await mapIn(join(dirname(file), other), within) : null
    const imports = Object.entries(asObject(said.imports)).filter((entry) => typeof entry[1] === 'string')
    return imports.length === 0 ? null : { file, imports: Object.fromEntries(imports) as Record<string, string> }
  } catch (error) {
    if (!(error instanceof DataFileProblem)) throw error
    return null
  }
}

function isInside(path: string, folder: string | null): boolean {
  return folder === null || path.startsWith(`${folder}/`)
}

/** `root`: where `vendor/` lies. */
export function denoSpecifiers(root: string, map: ImportMap | null): Plugin {
  return {
    name: 'deno-specifiers',
    setup(build) {
      if (map !== null) mapImports(build, map)
      // Types alone, as Supabase's templates import them.
      build.onResolve({ filter: /^(?:npm|jsr|https?):.*\.d\.ts$/ }, () => ({ path: 'types', namespace: EMPTY }))
      build.onLoad({ filter: /.*/, namespace: EMPTY }, () => ({ contents: '', loader: 'js' }))
      build.onResolve({ filter: STD_SERVER }, () => ({ path: 'std-server', namespace: STD }))
      build.onLoad({ filter: /.*/, namespace: STD }, () => ({ contents: SERVE, loader: 'js' }))
      build.onResolve({ filter: /^(?:npm|jsr|https?):/ }, async ({ path, kind, importer, resolveDir }) => {
        const isAddress = path.startsWith('http')
        const vendored = isAddress ? vendoredFile(root, path) : null
        const name = vendored ?? (isAddress ? nameAtSite(path) : nameOfSpecifier(path))
        // A map may give the package's own name to its specifier.
        const options = { kind, importer, resolveDir: vendored === null ? resolveDir : root, pluginData: MAPPED }
        const found = name === null ? null : await build.resolve(name, options)
        if (found !== null && found.errors.length === 0) return found
        // What is imported when it is reached may never be, and style sheets name addresses as well.
        if (kind !== 'import-statement') return undefined
        return { errors: [{ text: refusal(path, name) }] }
      })
    },
  }
}

/** In angle brackets or parentheses, as esbuild itself names what is no file: bundles list files only. */
const EMPTY = '<deno-types>'
const STD = VIRTUAL.replace(')', '-std)')
const MAPPED = Symbol('mapped')

function mapImports(build: PluginBuild, { file, imports }: ImportMap): void {
  const prefixes = Object.keys(imports)
    .filter((key) => key.endsWith('/'))
    .sort((a, b) => b.length - a.length)
  const targetOf = (path: string): string | null => {
    if (Object.hasOwn(imports, path)) return imports[path]!
    const prefix = prefixes.find((one) => path.startsWith(one))
    return prefix === undefined ? null : imports[prefix] + path.slice(prefix.length)
  }
  build.onResolve(
    { filter: /.*/ },
    async ({ path, kind, importer, resolveDir, pluginData }): Promise<OnResolveResult | undefined> => {
      // Packages have names of their own.
      if (kind === 'entry-point' || pluginData === MAPPED || importer.includes('/node_modules/')) return undefined
      const target = targetOf(path) ?? ownSubpath(path, imports)
      if (target === null || target === path) return undefined
      const dir = /^\.{0,2}\//.test(target) ? dirname(file) : resolveDir
      return build.resolve(target, { kind, importer, resolveDir: dir, pluginData: MAPPED })
    },
  )
}

/** `hono/cors` where `hono` is mapped to a package: Deno looks into that package. */
function ownSubpath(path: string, imports: Readonly<Record<string, string>>): string | null {
  const name = /^(?:@[^/]+\/)?[^./@][^/]*(?=\/)/.exec(path)?.[0]
  const target = name === undefined || !Object.hasOwn(imports, name) ? undefined : imports[name]
  return target !== undefined && /^(?:npm|jsr):/.test(target) ? target + path.slice(name!.length) : null
}

/** `npm:/@scope/name@1/sub` as `@scope/name/sub`; of `jsr:` the name under which `npx jsr add` installs it. */
function nameOfSpecifier(path: string): string {
  return path.replace(/^(?:npm|jsr):\/?/, '').replace(/^((?:@[^/@]+\/)?[^/@]+)@[^/]*/, '$1')
}

function nameAtSite(address: string): string | null {
  if (!NPM_SITES.test(address)) return null
  const rest = address.replace(NPM_SITES, '').replace(/[?#].*$/, '')
  return nameOfSpecifier(`npm:${rest}`).replace(/\/\+esm$/, '')
}

function vendoredFile(root: string, address: string): string | null {
  const { host, pathname } = new URL(address)
  const path = join('vendor', host, decodeURIComponent(pathname))
  return existsSync(join(root, path)) ? `./${path}` : null
}

function refusal(path: string, name: string | null): string {
  if (path.startsWith('npm:'))
    return `"${path}" is not installed: run \`npm install ${path.slice('npm:'.length)}\` in the function's folder.`
  if (path.startsWith('jsr:'))
    return `"${path}" is a package of JSR, and none is fetched here: run \`npx jsr add ${path.replace(/^jsr:\/?/, '')}\` in the function's folder.`
  const package_ = name === null ? 'the package' : `\`npm install ${name}\``
  return `"${path}" is imported by its address, and nothing is fetched here. Write { "vendor": true } into deno.json and run \`deno install\`, or install ${package_} and import it by its name.`
}
