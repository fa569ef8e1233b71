/**
 * Builds one function: bundles its modules with esbuild and lists the files it brings along. Reads the function's
 * folder and what it imports, runs none of it, and writes nothing: the bundle store does.
 */
import { access, readFile, realpath } from 'node:fs/promises'
import { basename, dirname, relative, resolve } from 'node:path'
import * as esbuild from 'esbuild'
import { type BuildError, buildErrorFrom, plainBuildError, shownPath } from './build-error.ts'
import { type BundleContent, type BundleFile, bundleId, hashFile, LAYOUT_VERSION, sha256 } from './bundle-id.ts'
import { concurrently } from './concurrently.ts'
import type { FunctionSource } from './discover.ts'
import { type FolderFile, isLeftOut, listFolder, UnusableFolder } from './folder-files.ts'
import { type ExternalPackage, nativePackages } from './native-packages.ts'
import { BUNDLE_BANNER, OWN_FILES_DEFINE, type OwnPath, ownFiles } from './own-files.ts'
import { portableCode, portableMap, withCommonJsExports } from './portable-output.ts'

/** Everything that the bundle store needs to write a bundle. */
export interface BuildResult extends BundleContent {
  readonly id: string
  readonly functionName: string
  /** Absolute real path that the paths of `files` are relative to. */
  readonly root: string
  readonly files: readonly BundleFile[]
  readonly externals: readonly ExternalPackage[]
  /** Absolute paths of what the bundle was made from besides the function's own files, sorted. */
  readonly outsideInputs: readonly string[]
}

const CONCURRENT_HASHES = 8
const CODE_FILE = 'bundle.mjs'

/** Builds `source`. Throws {@link BuildError}, and nothing else, for what is wrong with the function. */
export async function build(source: FunctionSource): Promise<BuildResult> {
  const { root, entry, ownPath } = await locate(source)
  const externals = new Map<string, ExternalPackage>()
  const bundled = await bundle(source, root, entry, ownPath, externals)
  const files = source.kind === 'folder' ? await hashedFiles(source, root) : []
  const content = {
    code: withCommonJsExports(portableCode(bundled.code, bundled.inputs), await readFile(entry, 'utf8')),
    map: portableMap(bundled.map, (path) => ownPath(resolve(root, path)) !== undefined),
    entry: relative(root, entry),
    files,
    externals: [...externals.values()].sort((a, b) => (a.name < b.name ? -1 : 1)),
    layoutVersion: LAYOUT_VERSION,
    esbuildVersion: esbuild.version,
  }
  const inputs = bundled.inputs.map((path) => resolve(root, path)).filter((path) => ownPath(path) === undefined)
  const manifests = content.externals.map(({ dir }) => resolve(dir, 'package.json'))
  const outsideInputs = [...inputs, ...manifests, ...(await inheritedTsconfig(root))].sort()
  return { id: bundleId(content), functionName: source.name, root, ...content, outsideInputs }
}

/** The tsconfig.json that esbuild takes from above the function's folder, if any: it decides how JSX is compiled. */
async function inheritedTsconfig(folder: string): Promise<string[]> {
  const path = resolve(folder, 'tsconfig.json')
  const exists = await access(path).then(
    () => true,
    () => false,
  )
  if (exists) return [path]
  return dirname(folder) === folder ? [] : inheritedTsconfig(dirname(folder))
}

/** Ends esbuild's process, for a host that has no more to build. A later build starts it again. */
export async function stopBuilding(): Promise<void> {
  await esbuild.stop()
}

interface Located {
  readonly root: string
  readonly entry: string
  readonly ownPath: OwnPath
}

/** Real paths, because esbuild reports modules by them. */
async function locate(source: FunctionSource): Promise<Located> {
  try {
    const entry = await realpath(source.entry)
    if (source.kind === 'file') {
      return { root: dirname(entry), entry, ownPath: (file) => (file === entry ? basename(entry) : undefined) }
    }
    const root = await realpath(source.dir)
    return { root, entry, ownPath: (file) => pathIn(root, file) }
  } catch (error) {
    throw plainBuildError(source.name, `The function cannot be read: ${(error as Error).message}`)
  }
}

function pathIn(root: string, file: string): string | undefined {
  const path = relative(root, file)
  return path.split('/').some(isLeftOut) ? undefined : path
}

interface Bundled {
  readonly code: string
  readonly map: string
  /** Relative to the function's folder. */
  readonly inputs: readonly string[]
}

async function bundle(
  source: FunctionSource,
  root: string,
  entry: string,
  ownPath: OwnPath,
  externals: Map<string, ExternalPackage>,
): Promise<Bundled> {
  try {
    const result = await esbuild.build({
      absWorkingDir: root,
      entryPoints: [entry],
      outfile: CODE_FILE,
      write: false,
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node24',
      keepNames: true,
      sourcemap: 'linked',
      metafile: true,
      logLevel: 'silent',
      banner: { js: BUNDLE_BANNER },
      define: OWN_FILES_DEFINE,
      plugins: [nativePackages(ownPath, externals), ownFiles(ownPath)],
    })
    const output = (ending: string) => result.outputFiles.find(({ path }) => path.endsWith(ending))?.text ?? ''
    return { code: output('.mjs'), map: output('.map'), inputs: Object.keys(result.metafile.inputs).filter(isFile) }
  } catch (error) {
    throw await buildErrorFrom(source, root, error)
  }
}

/** esbuild lists data URLs as `<data:…>` and modules that a package switches off for Node as `(disabled):…`. */
function isFile(input: string): boolean {
  return !/^[<(]/.test(input)
}

async function hashedFiles(source: FunctionSource, root: string): Promise<BundleFile[]> {
  try {
    const listed = await listFolder(root)
    return await concurrently(listed, CONCURRENT_HASHES, (file) => hashed(root, file))
  } catch (error) {
    throw folderError(source, root, error)
  }
}

async function hashed(root: string, { path, kind, mode, target }: FolderFile): Promise<BundleFile> {
  const contents = kind === 'link' ? sha256(target) : await hashFile(resolve(root, path))
  return { path, kind, mode, hash: contents, target }
}

function folderError(source: FunctionSource, root: string, error: unknown): BuildError {
  if (!(error instanceof UnusableFolder)) {
    return plainBuildError(source.name, `A file of the function cannot be read: ${(error as Error).message}`)
  }
  return plainBuildError(source.name, error.message, error.path && shownPath(source, root, error.path))
}
