/**
 * The imports that Workers have besides code, as wrangler's own rules say what they become: `.txt`, `.html` and `.sql` a
 * text, `.bin` an ArrayBuffer, `.wasm` (and `.wasm?module`) a `WebAssembly.Module`. No other code imports such files.
 */
import { readFile } from 'node:fs/promises'
import type { Loader, Plugin } from 'esbuild'

/** esbuild's `loader`: it has a word for texts. */
export const TEXT_MODULES: Readonly<Record<string, Loader>> = { '.txt': 'text', '.html': 'text', '.sql': 'text' }

const BYTES = 'Uint8Array.from(atob(text), (character) => character.charCodeAt(0))'

export function workersModules(): Plugin {
  return {
    name: 'workers-modules',
    setup(build) {
      build.onLoad({ filter: /\.(?:wasm|bin)$/, namespace: 'file' }, async ({ path }) => {
        const text = JSON.stringify(await readFile(path, 'base64'))
        const value = path.endsWith('.bin') ? `${BYTES}.buffer` : `new WebAssembly.Module(${BYTES})`
        return { contents: `const text = ${text}\nexport default ${value}\n`, loader: 'js' }
      })
    },
  }
}
