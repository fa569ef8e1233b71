/**
 * Makes one module of a function's modules, with esbuild. What a function is called and where its folder lies leaves
 * no trace in the result, and neither does whether others were bundled with it (bundle-together.ts).
 */
import { readFileSync } from 'node:fs'
import { readFile, realpath } from 'node:fs/promises'
import { basename, dirname, relative, resolve } from 'node:path'
import type * as esbuild from 'esbuild'
import * as bundler from '../bundler.ts'
import { azureEntry } from './azure-entry.ts'
import { buildErrorFrom, missingOfPackages, plainBuildError } from './build-error.ts'
import { withCheapNames } from './cheap-names.ts'
import { denoImports, denoSpecifiers, type ImportMap } from './deno-imports.ts'
import type { FunctionSource } from './discover.ts'
import { isLeftOut } from './folder-files.ts'
import { googleFunctions } from './google-functions.ts'
import { withHost } from './host-module.ts'
import { type Allowed, insideOnly, withoutForeignMaps } from './inside-only.ts'
import { type ExternalPackage, nativePackages } from './native-packages.ts'
import { BUNDLE_BANNER, OWN_FILES_DEFINE, type OwnPath, ownFiles, withoutIdleBanner } from './own-files.ts'
import { Patterns, withNodesNames, withOwnLoaders } from './own-loaders.ts'
import { isPagesEntry, pagesModule } from './pages-files.ts'
import { PLATFORM_DEFINE, platformModules } from './platform-modules.ts'
import { isVercelEntry, vercelFiles } from './vercel-files.ts'
import { TEXT_MODULES, workersModules } from './workers-modules.ts'

/** Where a function's modules really lie. */
export interface Located {
  readonly source: FunctionSource
  readonly root: string
  readonly entry: string
  readonly ownPath: OwnPath
}

export interface Bundled {
  readonly code: string
  readonly map: string
  /** Relative to the function's folder. */
  readonly inputs: readonly string[]
  readonly externals: readonly ExternalPackage[]
}

export const CODE_FILE = 'bundle.mjs'

/** What decides how code is compiled: the same however many functions are bundled with one call. */
export const COMPILE = {
  write: false,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node24',
  keepNames: true,
  sourcemap: 'linked',
  metafile: true,
  // At the end they would stand behind the default export, which portable-output.ts looks for there.
  legalComments: 'inline',
  logLevel: 'silent',
  banner: { js: BUNDLE_BANNER },
  loader: TEXT_MODULES,
  define: { ...OWN_FILES_DEFINE, ...PLATFORM_DEFINE },
} as const satisfies esbuild.BuildOptions

/** Real paths, because esbuild reports modules by them. Throws `BuildError`. */
export async function locate(source: FunctionSource): Promise<Located> {
  try {
    const entry = await realpath(source.entry)
    if (source.kind === 'file') {
      const ownPath: OwnPath = (file) => (file === entry ? basename(entry) : undefined)
      return { source, root: dirname(entry), entry, ownPath }
    }
    const root = await realpath(source.dir)
    return { source, root, entry, ownPath: (file) => pathIn(root, file) }
  } catch (error) {
    throw plainBuildError(source.name, `The function cannot be read: ${(error as Error).message}`)
  }
}

/** Bundles one function by itself; of an upload, only what is `allowed` is read. Throws `BuildError`. */
export async function bundle(located: Located, allowed: Allowed | null = null): Promise<Bundled> {
  const patterns = new Patterns(false)
  try {
    return await bundleWith(located, allowed, patterns)
  } catch (error) {
    if (!patterns.areThere) throw error
    return bundleWith(located, allowed, new Patterns(true))
  }
}

async function bundleWith(
  { source, root, entry, ownPath }: Located,
  allowed: Allowed | null,
  patterns: Patterns,
): Promise<Bundled> {
  const externals = new Map<string, ExternalPackage>()
  const imports = await denoImports(root, allowed !== null)
  try {
    const build = async (missing: readonly string[]) =>
      bundler.build({
        ...COMPILE,
        absWorkingDir: root,
        entryPoints: [entry],
        outfile: CODE_FILE,
        external: [...missing],
        ...(allowed !== null && { nodePaths: [...allowed.packages] }),
        plugins: [
          ...(allowed === null ? [] : [insideOnly(allowed)]),
          ...(await forEntry(entry)),
          googleFunctions(),
          denoSpecifiers(root, imports),
          platformModules(),
          workersModules(root, source.identity.moduleRules),
          nativePackages(ownPath, externals),
          ownFiles(ownPath, allowed && ((text, path) => withoutForeignMaps(text, path, allowed.roots)), patterns),
        ],
      })
    const result = await build([]).catch((error) => {
      const missing = missingOfPackages(error)
      if (missing === null) throw error
      externals.clear()
      return build(missing)
    })
    const output = (ending: string) => result.outputFiles.find(({ path }) => path.endsWith(ending))?.text ?? ''
    const inputs = Object.keys(result.metafile.inputs).filter(isFile)
    return {
      code: finished(output('.mjs'), inputs, { root, ownPath, entry }),
      map: output('.map'),
      inputs: [...inputs, ...importMapAbove(root, imports)],
      externals: [...externals.values()],
    }
  } catch (error) {
    throw await buildErrorFrom(source, root, error)
  }
}

/** What esbuild wrote, with what the modules of a bundle find besides each other. */
export function finished(
  code: string,
  inputs: readonly string[],
  at: Pick<Located, 'root' | 'ownPath' | 'entry'>,
): string {
  const place = (input: string) => {
    const file = resolve(at.root, input)
    const own = at.ownPath(file)
    return { path: own ?? file, isOwn: own !== undefined }
  }
  return withoutIdleBanner(
    withOwnLoaders(withNodesNames(withHost(withCheapNames(code), textOf(at.entry))), { inputs, place }),
  )
}

/** '' where it is no text that can be read: the build has said so. */
function textOf(entry: string): string {
  try {
    return readFileSync(entry, 'utf8')
  } catch {
    return ''
  }
}

/** An import map outside of the folder: a change of it is a change of the function. */
export function importMapAbove(root: string, map: ImportMap | null): string[] {
  return map === null || dirname(map.file) === root ? [] : [relative(root, map.file)]
}

/** What makes a module of an entry that is none. */
async function forEntry(entry: string): Promise<esbuild.Plugin[]> {
  if (basename(entry) === 'package.json') return [azureEntry(entry, await readFile(entry, 'utf8'))]
  if (isPagesEntry(entry)) return [pagesModule(entry)]
  return isVercelEntry(entry) ? [vercelFiles(entry)] : []
}

/**
 * esbuild lists data URLs as `<data:…>`, modules that a package switches off for Node as `(disabled):…`, and those of
 * platform-modules.ts as `(wrangler-free):…`.
 */
export function isFile(input: string): boolean {
  return !/^[<(]/.test(input)
}

function pathIn(root: string, file: string): string | undefined {
  const path = relative(root, file)
  return path.split('/').some(isLeftOut) ? undefined : path
}
