/**
 * Bundles many single-file functions with one call of esbuild, which then looks at the folder they lie in once: alone,
 * each of ten thousand costs a look at all the others. Each result is, byte for byte, what bundling that function
 * alone gives. One for which that is not certain is left out, and so is each that does not build: alone, it says what
 * is wrong with it. (Functions with a folder of their own are always built alone: their code must not tell its name.)
 */
import { isBuiltin } from 'node:module'
import { resolve } from 'node:path'
import type * as esbuild from 'esbuild'
import * as bundler from '../bundler.ts'
import { type Bundled, CODE_FILE, COMPILE, finished, isFile, type Located } from './bundling.ts'
import { denoImports, denoSpecifiers } from './deno-imports.ts'
import { googleFunctions } from './google-functions.ts'
import { nativePackages } from './native-packages.ts'
import { ownFiles } from './own-files.ts'
import { platformModules } from './platform-modules.ts'
import { workersModules } from './workers-modules.ts'

/** What could be bundled together, by function. */
export type BundledTogether = ReadonlyMap<Located, Bundled>

export async function bundleTogether(functions: readonly Located[]): Promise<BundledTogether> {
  const single = functions.filter(({ source }) => source.kind === 'file')
  const byFolder = Map.groupBy(single, ({ root }) => root)
  const parts = await Promise.all([...byFolder].map(([root, some]) => bundleIn(root, some)))
  return new Map(parts.flatMap((part) => [...part]))
}

/** One that does not build fails the whole call: the halves are tried again, until it is alone. */
async function bundleIn(root: string, some: readonly Located[]): Promise<BundledTogether> {
  if (some.length < 2) return new Map()
  const result = await callEsbuild(root, some).catch(() => null)
  if (result !== null) return resultsOf(root, some, result)
  const half = some.length >> 1
  const first = await bundleIn(root, some.slice(0, half))
  return new Map([...first, ...(await bundleIn(root, some.slice(half)))])
}

type Result = esbuild.BuildResult<{ metafile: true; write: false }>

async function callEsbuild(root: string, some: readonly Located[]): Promise<Result> {
  const imports = await denoImports(root, false)
  const byEntry = new Map(some.map((one) => [one.entry, one]))
  const ownPath = (file: string) => byEntry.get(file)?.ownPath(file)
  return bundler.build({
    ...COMPILE,
    absWorkingDir: root,
    entryPoints: some.map(({ entry }, at) => ({ in: entry, out: String(at) })),
    // Where it would lie alone: source maps lead from there.
    outdir: root,
    outExtension: { '.js': '.mjs' },
    plugins: [
      googleFunctions(),
      denoSpecifiers(root, imports),
      platformModules(),
      workersModules(),
      nativePackages(ownPath, new Map()),
      ownFiles(ownPath),
    ],
  })
}

function resultsOf(root: string, some: readonly Located[], { metafile, outputFiles }: Result): BundledTogether {
  const texts = new Map(outputFiles.map((file) => [file.path, file]))
  const entries = new Set(some.map(({ entry }) => entry))
  const results = new Map<Located, Bundled>()
  for (const [at, one] of some.entries()) {
    const output = metafile.outputs[`${at}.mjs`]
    const inputs = output?.entryPoint && inputsFrom(output.entryPoint, metafile.inputs)
    // Of style sheets, and of imports that stay imports, only a build of its own knows enough.
    if (!inputs || output.cssBundle !== undefined) continue
    const files = inputs.map((input) => resolve(root, input))
    // What is another's own file in here would not be that alone.
    if (files.some((file) => file !== one.entry && entries.has(file))) continue
    const text = (name: string) => texts.get(resolve(root, name))?.text ?? ''
    const code = finished(text(`${at}.mjs`), inputs, one).replace(
      `\n//# sourceMappingURL=${at}.mjs.map\n`,
      `\n//# sourceMappingURL=${CODE_FILE}.map\n`,
    )
    results.set(one, { code, map: text(`${at}.mjs.map`), inputs, externals: [] })
  }
  return results
}

/** All modules that are reached from an entry; null when one imports what is neither in the bundle nor Node's. */
function inputsFrom(entry: string, inputs: esbuild.Metafile['inputs']): string[] | null {
  const reached = new Set([entry])
  for (const path of reached) {
    for (const { path: imported, external } of inputs[path]?.imports ?? []) {
      if (external !== true) reached.add(imported)
      else if (isFile(imported) && !isBuiltin(imported)) return null
    }
  }
  return [...reached].filter(isFile)
}
