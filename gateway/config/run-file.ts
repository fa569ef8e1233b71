/**
 * Runs a configuration file written in TypeScript or JavaScript and returns its default export.
 *
 * The file and everything it imports by path are bundled in memory and the bundle is imported as a `data:` URL.
 * Node's own `import()` would keep the first version of each imported file for ever; a bundle is new each time. It is
 * written nowhere, so that read-only folders work and nothing is left behind. For that, imports of packages are
 * resolved while bundling and stay outside as absolute file URLs; `wrangler-free` itself is taken from this very
 * installation, so that `npx wrangler-free` needs nothing installed beside the file.
 */
import { readFile } from 'node:fs/promises'
import { isBuiltin, SourceMap } from 'node:module'
import { dirname, relative, resolve, sep } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { BuildFailure, Loader, OutputFile, PartialMessage, Plugin } from 'esbuild'
import { inFrame, type Place } from './code-frame.ts'
import { ConfigError, type ConfigProblem } from './problems.ts'

const OWN_EXTENSION = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
const DEFINE_CONFIG = fileURLToPath(new URL(`./define-config.${OWN_EXTENSION}`, import.meta.url))

interface ThrownPlace extends Place {
  readonly file: string
}

let runs = 0

/**
 * The default export, awaited, and the files it was made from, `file` first. `source` is the file's name in messages.
 * @throws {ConfigError} when it does not build (with place and code frame), throws, or has no default export.
 */
export async function runConfigFile(file: string, source: string): Promise<{ value: unknown; files: string[] }> {
  // Collected while loading and not taken from the result: a file with a mistake has to be watched too.
  const files = new Set([file])
  const [map, code] = await bundle(file, source, files)
  const name = `wrangler-free-config-${++runs}`
  const text = `${code.text}\n//# sourceURL=${name}`
  const url = `data:text/javascript;base64,${Buffer.from(text).toString('base64')}`
  const problem = (found: string): ConfigProblem => ({ kind: 'file', path: '', found, allowed: '', source })
  try {
    const exported = await import(url)
    if ('default' in exported) return { value: await exported.default, files: [...files] }
  } catch (error) {
    const message = error instanceof Error ? `${error.name}: ${error.message}` : `it threw ${String(error)}`
    const place = error instanceof Error ? placeIn(error, [name, url], new SourceMap(JSON.parse(map.text))) : undefined
    if (!place) throw new ConfigError([problem(message)], [...files])
    const thrownIn = resolve(dirname(file), place.file)
    const shown = nameOf(thrownIn, file, source)
    const lines = await readFile(thrownIn, 'utf8').catch(() => '')
    throw new ConfigError([inFrame(message, shown, place, lines, source)], [...files])
  }
  throw new ConfigError([problem('it has no default export; write: export default defineConfig({ … })')], [...files])
}

async function bundle(file: string, source: string, files: Set<string>): Promise<[OutputFile, OutputFile]> {
  const { build } = await import('../bundler.ts')
  try {
    const { outputFiles } = await build({
      entryPoints: [file],
      // The map's sources are relative to it; nothing is written there.
      outfile: resolve(dirname(file), 'wrangler-free.bundle.js'),
      bundle: true,
      write: false,
      sourcemap: 'external',
      platform: 'node',
      format: 'esm',
      target: 'node24',
      logLevel: 'silent',
      define: { 'import.meta.url': URL_NAME, 'import.meta.filename': '__filename', 'import.meta.dirname': '__dirname' },
      plugins: [packagesOutside(), rememberPlaces(files)],
    })
    return [outputFiles[0]!, outputFiles[1]!]
  } catch (error) {
    const { errors } = error as Partial<BuildFailure>
    if (errors === undefined) {
      const found = (error as Error).message
      throw new ConfigError([{ kind: 'file', path: '', found, allowed: '', source }], [...files])
    }
    const problems = await Promise.all(errors.map((message) => buildProblem(message, file, source)))
    throw new ConfigError(problems, [...files])
  }
}

/** Packages are imported by Node as they are, from where the importing file would find them. */
function packagesOutside(): Plugin {
  return {
    name: 'packages-outside',
    setup(build) {
      build.onResolve({ filter: /^wrangler-free$/ }, () => ({ path: DEFINE_CONFIG }))
      build.onResolve({ filter: /^[^./]/ }, async ({ path, pluginData, resolveDir, kind, importer }) => {
        if (pluginData === packagesOutside || kind === 'entry-point' || isBuiltin(path)) return undefined
        const found = await build.resolve(path, { resolveDir, kind, importer, pluginData: packagesOutside })
        if (!found.path.includes(`${sep}node_modules${sep}`)) return found
        return { path: pathToFileURL(found.path).href, external: true }
      })
    },
  }
}

const URL_NAME = '__configFileUrl'

/** Lists the files, and tells each where it lies: in a bundle `import.meta` would be that of the bundle. */
function rememberPlaces(files: Set<string>): Plugin {
  return {
    name: 'remember-places',
    setup(build) {
      build.onLoad({ filter: /\.(json|[cm]?[jt]s)$/, namespace: 'file' }, async ({ path }) => {
        if (path === DEFINE_CONFIG) return undefined
        files.add(path)
        const text = await readFile(path, 'utf8')
        if (!/import\.meta|__dirname|__filename/.test(text) || path.endsWith('.json')) return undefined
        const names = { [URL_NAME]: pathToFileURL(path).href, __filename: path, __dirname: dirname(path) }
        const places = Object.entries(names).map(([name, value]) => `${name} = ${JSON.stringify(value)}`)
        // On the first line, so that the lines in messages stay right.
        return { contents: `var ${places.join(', ')}; ${text}`, loader: /ts$/.test(path) ? 'ts' : ('js' as Loader) }
      })
    },
  }
}

async function buildProblem(message: PartialMessage, file: string, source: string): Promise<ConfigProblem> {
  const { location, text = 'it cannot be built' } = message
  if (!location?.file) return { kind: 'file', path: '', found: text, allowed: '', source }
  const path = resolve(location.file)
  const place = { line: location.line ?? 1, column: location.column ?? 0 }
  return inFrame(text, nameOf(path, file, source), place, await readFile(path, 'utf8').catch(() => ''), source)
}

/** Where the file that goes by these names in stack traces threw; V8 uses the first, other formatters the second. */
function placeIn(error: Error, [name, url]: [string, string], map: SourceMap): ThrownPlace | undefined {
  const stack = String(error.stack).replaceAll(url, name)
  const [, line, column] = new RegExp(`${name}:(\\d+):(\\d+)`).exec(stack) ?? []
  if (!line || !column) return undefined
  const entry = map.findEntry(Number(line) - 1, Number(column) - 1)
  if (!('originalSource' in entry)) return undefined
  return { file: entry.originalSource, line: entry.originalLine + 1, column: entry.originalColumn }
}

/** A file's name in messages: the configuration file by its own, others relative to it. */
function nameOf(path: string, file: string, source: string): string {
  return path === file ? source : relative(dirname(file), path)
}
