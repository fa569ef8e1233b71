/**
 * Leaves packages with native parts out of a bundle: machine code cannot be bundled, and such packages find it by
 * their own place on disk. They stay imports, and the bundle store links them beside the bundle.
 */
import type { Dirent } from 'node:fs'
import { readdir, readFile, realpath } from 'node:fs/promises'
import { isBuiltin } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import type { Plugin } from 'esbuild'
import type { OwnPath } from './own-files.ts'

/** A package that a bundle imports at run time. */
export interface ExternalPackage {
  /** As imported, which an npm alias may make differ from the package's own name. */
  readonly name: string
  readonly version: string
  /** Absolute real path of the installed package. */
  readonly dir: string
}

interface Manifest {
  readonly version?: string
  readonly gypfile?: boolean
  readonly binary?: unknown
  readonly napi?: unknown
  readonly scripts?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

interface InstalledPackage {
  readonly dir: string
  readonly version: string
  readonly native: boolean
}

const INSTALL_SCRIPTS = ['preinstall', 'install', 'postinstall']
const NATIVE_INSTALL = /node-gyp|prebuild|node-pre-gyp|cmake-js|napi/
const PLATFORM_PACKAGE = /(?:^|[-/])(?:linux|darwin|win32|freebsd)(?:musl)?-(?:x64|arm64|ia32|arm|64)(?:$|-)/

/** Makes native packages external and adds each to `externals`, by name. One instance serves one build. */
export function nativePackages(ownPath: OwnPath, externals: Map<string, ExternalPackage>): Plugin {
  const installed = new Map<string, Promise<InstalledPackage | undefined>>()
  const lookAt = (dir: string) => {
    const known = installed.get(dir) ?? readPackage(dir)
    installed.set(dir, known)
    return known
  }
  return {
    name: 'native-packages',
    setup(build) {
      build.onResolve({ filter: /^[^./#]/ }, async ({ path, resolveDir }) => {
        if (resolveDir === '' || path.includes(':') || isBuiltin(path)) return undefined
        const name = packageNameOf(path)
        const found = await findPackage(name, resolveDir, lookAt)
        if (!found?.native) return undefined
        const other = externals.get(name)
        if (other !== undefined && other.dir !== found.dir) return { errors: [{ text: twoVersions(other, found) }] }
        externals.set(name, { name, version: found.version, dir: found.dir })
        return { path, external: true }
      })
      build.onResolve({ filter: /^\.{0,2}\/.*\.node$/ }, async ({ path, resolveDir }) => {
        const file = await realpath(resolve(resolveDir, path)).catch(() => undefined)
        if (file === undefined) return undefined
        const own = ownPath(file)
        return { path: own === undefined ? file : `./files/${own}`, external: true }
      })
    },
  }
}

function twoVersions(one: ExternalPackage, other: InstalledPackage): string {
  return (
    `Two copies of the native package "${one.name}" are needed: ${one.version} in ${one.dir} and ${other.version} in ` +
    `${other.dir}. A bundle can hold one: install the same version for both, or remove one.`
  )
}

async function findPackage(
  name: string,
  from: string,
  lookAt: (dir: string) => Promise<InstalledPackage | undefined>,
): Promise<InstalledPackage | undefined> {
  const found = await lookAt(join(from, 'node_modules', name))
  const parent = dirname(from)
  return found ?? (parent === from ? undefined : findPackage(name, parent, lookAt))
}

async function readPackage(dir: string): Promise<InstalledPackage | undefined> {
  const text = await readFile(join(dir, 'package.json'), 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  const manifest = parseManifest(text)
  const native = statesNative(manifest) || (await holdsNative(dir))
  return { dir: await realpath(dir), version: manifest.version ?? '0.0.0', native }
}

function parseManifest(text: string): Manifest {
  try {
    return (JSON.parse(text) ?? {}) as Manifest
  } catch {
    return {} // esbuild tells the author that this file is not JSON.
  }
}

function statesNative(manifest: Manifest): boolean {
  if (manifest.gypfile === true || manifest.binary !== undefined || manifest.napi !== undefined) return true
  if (INSTALL_SCRIPTS.some((script) => NATIVE_INSTALL.test(manifest.scripts?.[script] ?? ''))) return true
  return Object.keys(manifest.optionalDependencies ?? {}).some((name) => PLATFORM_PACKAGE.test(name))
}

async function holdsNative(dir: string): Promise<boolean> {
  const list = (path: string) => readdir(path, { withFileTypes: true }).catch((): Dirent[] => [])
  const top = await list(dir)
  if (top.some(({ name }) => name === 'binding.gyp' || name === 'prebuilds' || name.endsWith('.node'))) return true
  if (!top.some(({ name }) => name === 'build')) return false
  return (await list(join(dir, 'build', 'Release'))).some(({ name }) => name.endsWith('.node'))
}

/** The package that a bare import specifier names: `@scope/pkg/sub` → `@scope/pkg`. */
export function packageNameOf(specifier: string): string {
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
}
