/**
 * Builds one function: bundles its modules and lists the files it brings along. Reads the function's folder and what it
 * imports, runs none of it, and writes nothing: the bundle store does.
 */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, relative, resolve } from 'node:path'
import * as bundler from '../bundler.ts'
import { type BundleContent, type BundleFile, bundleId, LAYOUT_VERSION } from './bundle-id.ts'
import { type Bundled, bundle, type Located, locate } from './bundling.ts'
import type { FunctionSource } from './discover.ts'
import { hashedFiles } from './hashed-files.ts'
import type { Allowed } from './inside-only.ts'
import type { ExternalPackage } from './native-packages.ts'
import { installRecords, packageFolders, visiblePackages } from './package-folders.ts'
import { isPagesEntry } from './pages-files.ts'
import { isBundled, plainBuild } from './plain-build.ts'
import { portableCode, portableMap, withCommonJsExports } from './portable-output.ts'
import { isVercelEntry } from './vercel-files.ts'

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

/**
 * Builds `source`; of an upload, only what is `allowed` is read. Throws `BuildError`, and nothing else, for what is wrong
 * with the function.
 */
export async function build(source: FunctionSource, allowed: Allowed | null = null): Promise<BuildResult> {
  if (!isBundled(source)) return plainBuild(source)
  const located = await locate(source)
  return buildFrom(located, await bundle(located, allowed), allowed)
}

/** The rest of building, once its modules are bundled. Throws as {@link build} does. */
export async function buildFrom(
  { source, root, entry, ownPath }: Located,
  bundled: Bundled,
  allowed: Allowed | null = null,
): Promise<BuildResult> {
  const isFolder = source.kind === 'folder'
  const files = isFolder ? await hashedFiles(source, root) : []
  const folders = await packageFolders(root, isFolder ? files : null)
  const above = allowed?.packages ?? folders.above
  const visible = await visiblePackages(above, bundled.externals.length === 0)
  const content = {
    code: withCommonJsExports(
      portableCode(bundled.code, bundled.inputs),
      isVercelEntry(entry) || isPagesEntry(entry) ? '' : await readFile(entry, 'utf8'),
    ),
    map: portableMap(bundled.map, (path) => ownPath(resolve(root, path)) !== undefined),
    entry: relative(root, entry),
    files,
    externals: [...bundled.externals].sort((a, b) => (a.name < b.name ? -1 : 1)),
    installed: folders.own,
    visible,
    layoutVersion: LAYOUT_VERSION,
    esbuildVersion: bundler.version,
  }
  const inputs = bundled.inputs.map((path) => resolve(root, path)).filter((path) => ownPath(path) === undefined)
  const manifests = content.externals.map(({ dir }) => resolve(dir, 'package.json'))
  // Above an upload lie the gateway's own folders: nothing is inherited from there.
  const inherited = allowed === null ? inheritedTsconfig(root) : []
  const records = visible.some(({ name }) => name !== '') ? installRecords(above) : []
  const outsideInputs = [...inputs, ...manifests, ...inherited, ...records].sort()
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
  await bundler.stop()
}
