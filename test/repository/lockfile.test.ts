/** The lockfile installs by `npm ci` anywhere: it is whole, and names no registry. */
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

interface Locked {
  readonly resolved?: string
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

const { packages } = JSON.parse(readFileSync(new URL('../../package-lock.json', import.meta.url), 'utf8')) as {
  packages: Readonly<Record<string, Locked>>
}

/** True when Node's look-up, from the folder of a package upwards, finds an entry for this name. */
function isLocked(from: string, name: string): boolean {
  const folders = from.split('/node_modules/')
  return (
    folders.some((_, at) => `${folders.slice(0, at + 1).join('/node_modules/')}/node_modules/${name}` in packages) ||
    `node_modules/${name}` in packages
  )
}

it('names no registry, so that everybody installs from their own', () => {
  expect(Object.keys(packages).filter((path) => packages[path]!.resolved !== undefined)).toEqual([])
})

it('has an entry for each dependency, also for those of other platforms, without which npm ci refuses it', () => {
  const missing = Object.entries(packages).flatMap(([path, { dependencies, optionalDependencies }]) =>
    Object.keys({ ...dependencies, ...optionalDependencies }).filter((name) => !isLocked(path, name)),
  )
  expect(missing).toEqual([])
})
