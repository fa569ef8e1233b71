/** The version of this package, from the package.json that lies above this file (in the repository and when built). */
import { readFileSync } from 'node:fs'
import { findPackageJSON } from 'node:module'

export function packageVersion(): string {
  const file = findPackageJSON(import.meta.url)
  if (file === undefined) throw new Error('wrangler-free is not installed whole: its package.json is missing')
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
}
