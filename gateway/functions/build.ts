/**
 * Builds one function: bundles its modules and lists the files it brings along. Reads the function's folder and what it
 * imports, runs none of it, and writes nothing: the bundle store does.
 */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, relative, resolve } from 'node:path'
import * as esbuild from 'esbuild'
import { type BuildError, plainBuildError, shownPath } from './build-error.ts'
import { type BundleContent, type BundleFile, bundleId, hashFile, LAYOUT_VERSION, sha256 } from './bundle-id.ts'
import { type Bundled, bundle, type Located, locate } from './bundling.ts'
import { concurrently } from './concurrently.ts'
import type { FunctionSource } from './discover.ts'
import { type FolderFile, listFolder, UnusableFolder } from './folder-files.ts'
import type { ExternalPackage } from './native-packages.ts'
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

/** Builds `source`. Throws {@link BuildError}, and nothing else, for what is wrong with the function. */
export async function build(source: FunctionSource): Promise<BuildResult> {
  const located = await locate(source)
  return buildFrom(located, await bundle(located))
}

/** The rest of building, once its modules are bundled. Throws as {@link build} does. */
export async function buildFrom({ source, root, entry, ownPath }: Located, bundled: Bundled): Promise<BuildResult> {
  const files = source.kind === 'folder' ? await hashedFiles(source, root) : []
  const content = {
    code: withCommonJsExports(portableCode(bundled.code, bundled.inputs), await readFile(entry, 'utf8')),
    map: portableMap(bundled.map, (path) => ownPath(resolve(root, path)) !== undefined),
    entry: relative(root, entry),
    files,
    externals: [...bundled.externals].sort((a, b) => (a.name < b.name ? -1 : 1)),
    layoutVersion: LAYOUT_VERSION,
    esbuildVersion: esbuild.version,
  }
  const inputs = bundled.inputs.map((path) => resolve(root, path)).filter((path) => ownPath(path) === undefined)
  const manifests = content.externals.map(({ dir }) => resolve(dir, 'package.json'))
  const outsideInputs = [...inputs, ...manifests, ...inheritedTsconfig(root)].sort()
  return { id: bundleId(content), functionName: source.name, root, ...content, outsideInputs }
}

/** The tsconfig.json that esbuild takes from above the function's folder, if any: it decides how JSX is compiled. */
function inheritedTsconfig(folder: string): string[] {
  const path = resolve(folder, 'tsconfig.json')
  if (existsSync(path)) return [path]
  return dirname(folder) === folder ? [] : inheritedTsconfig(dirname(folder))
}

/** Ends esbuild's process, for a host that has no more to build. A later build starts it again. */
export async function stopBuilding(): Promise<void> {
  await esbuild.stop()
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
