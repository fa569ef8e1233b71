/**
 * The version of this package, from the package.json that lies above this file (in the repository and when built). It
 * is read once: the status tells it, also when there is no descriptor left.
 */
import { readFileSync } from 'node:fs'
import { findPackageJSON } from 'node:module'

let version: string | undefined

export function packageVersion(): string {
  version ??= readVersion()
  return version
}

function readVersion(): string {
  const file = findPackageJSON(import.meta.url)
  if (file === undefined) throw new Error('wrangler-free is not installed whole: its package.json is missing')
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
}
