/**
 * A function's module, loaded. A module in a file is required where Node can do that with any module: an import reads it
 * in other threads, and starting those takes a first call 0.7 ms. What waits at its top level can only be imported.
 */
import { fileURLToPath } from 'node:url'
import type { Exports } from './formats/format.ts'

const WAITS = 'ERR_REQUIRE_ASYNC_MODULE'

/** `url` is a file's, or one that holds the module itself. */
export async function importModule(url: string): Promise<Exports> {
  if (canRequire(url)) {
    try {
      return requireModule(fileURLToPath(url))
    } catch (error) {
      if ((error as NodeJS.ErrnoException | null)?.code !== WAITS) throw error
    }
  }
  return (await import(url)) as Exports
}

/** What is surely no module of CommonJS: of such a one an import gives other exports. */
function canRequire(url: string): boolean {
  const { bun, deno } = process.versions
  return process.features.require_module === true && bun === undefined && deno === undefined && isModuleFile(url)
}

function isModuleFile(url: string): boolean {
  return url.startsWith('file:') && url.endsWith('.mjs')
}

function requireModule(file: string): Exports {
  return process.getBuiltinModule('node:module').createRequire(file)(file) as Exports
}
