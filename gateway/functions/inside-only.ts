/**
 * Keeps the bundler inside some folders: the uploaded one and those of packages. Each file that it loads is checked by its
 * real path, whatever names lead there. A source map that a comment names outside is not read.
 *
 * This is the second lock. The first is the kernel's, which holds for what plugins do not see as well (tsconfig.json,
 * package.json); where the kernel has none, `checkTsconfigs` stands in for it.
 */
import { readFile, realpath, stat } from 'node:fs/promises'
import { dirname, extname, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Loader, Plugin } from 'esbuild'
import { asObject } from './data-file.ts'
import { filesUnder } from './folder-files.ts'
import { readLiteral } from './literal.ts'

export interface Allowed {
  /** Real paths of the folders that may be read, the function's own first. */
  readonly roots: readonly string[]
  /** Folders of packages that lie above the function: the bundler does not see the folders between. */
  readonly packages: readonly string[]
}

/** The comment that names a source map. Text of the same length takes its place, so that columns stay. */
const SOURCE_MAP = /(\/[/*][#@]\s*sourceMapping)URL(?==)(?!=data:)=([^\s'"*]*)/g
const COMMENTED: Readonly<Record<string, Loader>> = { '': 'js', '.css': 'css' }
const MOST_MAP_BYTES = 32 * 1024 * 1024
const MOST_TSCONFIG_BYTES = 512 * 1024
const TSCONFIG = /(?:^|\/)(?:tsconfig|jsconfig)\.json$/

/** Refuses to load what is not in one of the roots. */
export function insideOnly({ roots }: Allowed): Plugin {
  const [own = ''] = roots
  return {
    name: 'inside-only',
    setup(build) {
      build.onResolve({ filter: /^(?:\/|\.{1,2}(?:\/|$))/ }, ({ path, resolveDir, kind }) => {
        if (kind === 'entry-point' || resolveDir === '') return undefined
        const target = resolve(resolveDir, path)
        // By name only: whether something is there is not told.
        return isInside(target, roots) ? undefined : { errors: [{ text: outsideText(own, target) }] }
      })
      build.onLoad({ filter: /.*/, namespace: 'file' }, async ({ path }) => {
        const real = await realpath(path).catch(() => null)
        if (real === null || !isInside(real, roots)) return { errors: [{ text: outsideText(own, path) }] }
        const loader = COMMENTED[extname(path)]
        if (loader === undefined) return undefined
        const text = await readFile(path, 'utf8')
        const disarmed = await withoutForeignMaps(text, path, roots)
        return disarmed === text ? undefined : { contents: disarmed, loader }
      })
    },
  }
}

/** The text of a module, whose comments name no source map outside of the roots. */
export async function withoutForeignMaps(text: string, path: string, roots: readonly string[]): Promise<string> {
  const named = [...text.matchAll(SOURCE_MAP)].map(([, , target]) => target!)
  const foreign = new Set<string>()
  for (const target of new Set(named)) if (!(await isOwnMap(target, path, roots))) foreign.add(target)
  if (foreign.size === 0) return text
  return text.replace(SOURCE_MAP, (all, start: string, target: string) => {
    return foreign.has(target) ? `${start}URI=${target}` : all
  })
}

async function isOwnMap(target: string, path: string, roots: readonly string[]): Promise<boolean> {
  const file = mapFile(target, path)
  if (file === null) return false
  const real = await realpath(file).catch(() => null)
  // One that is not there is not read.
  if (real === null) return isInside(file, roots)
  const found = await stat(real).catch(() => null)
  return isInside(real, roots) && found?.isFile() === true && found.size <= MOST_MAP_BYTES
}

function mapFile(target: string, path: string): string | null {
  try {
    return target.startsWith('file:') ? fileURLToPath(target) : resolve(dirname(path), decodeURIComponent(target))
  } catch {
    return null
  }
}

/** Why a tsconfig.json below `dir` leads outside of the roots; null: none does. */
export async function checkTsconfigs(dir: string, { roots, packages }: Allowed): Promise<string | null> {
  for (const { path } of await filesUnder(dir)) {
    if (!TSCONFIG.test(path)) continue
    const problem = await followTsconfig(resolve(dir, path), path, { roots, packages }, new Set())
    if (problem !== null) return problem
  }
  return null
}

async function followTsconfig(
  file: string,
  shown: string,
  allowed: Allowed,
  seen: Set<string>,
): Promise<string | null> {
  const real = await realpath(file).catch(() => null)
  if (real === null || seen.has(real)) return null
  seen.add(real)
  if (!isInside(real, allowed.roots)) return `${shown} extends a file outside of its folder`
  const found = await stat(real)
  if (!found.isFile() || found.size > MOST_TSCONFIG_BYTES)
    return `${shown} leads to a file of more than ${MOST_TSCONFIG_BYTES} bytes`
  let extended: unknown
  try {
    extended = asObject(readLiteral(await readFile(real, 'utf8'), 0)).extends
  } catch {
    return `${shown} cannot be read`
  }
  for (const target of [extended].flat()) {
    if (typeof target !== 'string') continue
    for (const candidate of candidatesFor(target, dirname(real), allowed.packages)) {
      const problem = await followTsconfig(candidate, shown, allowed, seen)
      if (problem !== null) return problem
    }
  }
  return null
}

function candidatesFor(target: string, from: string, packages: readonly string[]): string[] {
  const isPath = /^\.{0,2}\//.test(target)
  const folders = isPath
    ? [from]
    : [...foldersAbove(from).map((folder) => resolve(folder, 'node_modules')), ...packages]
  return folders.flatMap((folder) => {
    const path = resolve(folder, target)
    return [path, `${path}.json`, resolve(path, 'tsconfig.json')]
  })
}

function foldersAbove(folder: string): string[] {
  const above = dirname(folder)
  return above === folder ? [folder] : [folder, ...foldersAbove(above)]
}

export function isInside(path: string, roots: readonly string[]): boolean {
  return roots.some((root) => path === root || path.startsWith(root.endsWith(sep) ? root : `${root}${sep}`))
}

function outsideText(own: string, path: string): string {
  return `It imports ${relative(own, path)}, which is outside of its folder: only packages may be found there`
}
