/**
 * The module that the confined process runs, in one file. From its sources it and what it imports take 0.3 s of processor
 * time to load, for every upload; in one file, without what it does not use, a third of that.
 */
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from '../bundler.ts'

const ENTRY = new URL(`../functions/upload-process.${import.meta.url.endsWith('.js') ? 'js' : 'ts'}`, import.meta.url)
const { resolve } = createRequire(import.meta.url)
const ESBUILD = resolve('esbuild')

/** Folders with what the module needs besides itself: esbuild and its program. */
export const UPLOAD_MODULE_NEEDS: readonly string[] = [
  dirname(resolve('esbuild/package.json')),
  `${dirname(dirname(resolve('esbuild/package.json')))}/@esbuild`,
]

/** Write the file. */
export async function writeUploadModule(file: string): Promise<void> {
  await build({
    entryPoints: [fileURLToPath(ENTRY)],
    outfile: file,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    logLevel: 'silent',
    // Some packages are CommonJS.
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
    plugins: [
      {
        name: 'esbuild-as-it-is',
        setup({ onResolve }) {
          onResolve({ filter: /^esbuild$/ }, () => ({ path: pathToFileURL(ESBUILD).href, external: true }))
        },
      },
    ],
  })
}
