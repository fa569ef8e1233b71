/**
 * Builds what is not bundled: programs and languages whose interpreters find modules by themselves. The bundle is a copy
 * of the folder; what was installed into it (packages, a virtual environment) is linked, as packages with native parts
 * are for bundles of JavaScript.
 */
import { realpath } from 'node:fs/promises'
import { basename, dirname, join, relative } from 'node:path'
import * as bundler from '../bundler.ts'
import { isJavaScript } from '../config/index.ts'
import type { BuildResult } from './build.ts'
import { plainBuildError } from './build-error.ts'
import { bundleId, hashFile, LAYOUT_VERSION } from './bundle-id.ts'
import type { FunctionSource } from './discover.ts'
import { hashedFiles } from './hashed-files.ts'
import { packageFolders, type VisiblePackage, visiblePackages } from './package-folders.ts'

/** Of what was installed into a folder: its name there, and what it is called in the bundle. */
const INSTALLED: readonly (readonly [name: string, as: string])[] = [
  ['node_modules', 'node_modules'],
  ['venv', '.venv'],
  ['.venv', '.venv'],
]

/** JavaScript is bundled, whichever program runs it. */
export function isBundled({ identity }: FunctionSource): boolean {
  return identity.command === null && isJavaScript(identity.runtime)
}

/** Throws `BuildError`. */
export async function plainBuild(source: FunctionSource): Promise<BuildResult> {
  const { root, files } = source.kind === 'file' ? await ofFile(source) : await ofFolder(source)
  const content = {
    code: '',
    map: '',
    entry: source.kind === 'file' ? basename(source.entry) : relative(source.dir, source.entry),
    files,
    externals: [],
    installed: source.kind === 'file' ? [] : await installedIn(root),
    visible: source.identity.runtime === 'python' ? [] : await above(source, root),
    layoutVersion: LAYOUT_VERSION,
    esbuildVersion: bundler.version,
  }
  return { id: bundleId(content), functionName: source.name, root, ...content, outsideInputs: [] }
}

/** A program may be one of Node's, which looks for packages above its folder, too. */
async function above(source: FunctionSource, root: string): Promise<readonly VisiblePackage[]> {
  const folders = await packageFolders(root, source.kind === 'folder' ? [] : null)
  return visiblePackages(folders.above, true)
}

async function ofFolder(source: FunctionSource): Promise<Pick<BuildResult, 'root' | 'files'>> {
  const root = await located(source, source.dir)
  return { root, files: await hashedFiles(source, root) }
}

async function ofFile(source: FunctionSource): Promise<Pick<BuildResult, 'root' | 'files'>> {
  const file = await located(source, source.entry)
  const own = {
    path: basename(source.entry),
    kind: 'file',
    mode: 0o644,
    hash: await hashFile(file),
    target: '',
  } as const
  return { root: dirname(file), files: [own] }
}

async function located(source: FunctionSource, path: string): Promise<string> {
  try {
    return await realpath(path)
  } catch (error) {
    throw plainBuildError(source.name, `The function cannot be read: ${(error as Error).message}`)
  }
}

async function installedIn(root: string): Promise<BuildResult['installed']> {
  const found = new Map<string, string>()
  for (const [name, as] of INSTALLED) {
    const dir = await realpath(join(root, name)).catch(() => null)
    if (dir !== null) found.set(as, dir)
  }
  return [...found].map(([name, dir]) => ({ name, dir }))
}
