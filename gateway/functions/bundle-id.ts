/**
 * The identity of a bundle: a hash over everything that decides what it does, and nothing else. The same content has
 * the same id wherever its folder lies and whenever it is built.
 */
import { createHash, hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import type { VisiblePackage } from './package-folders.ts'

/** Counts up when the same sources have to become another bundle. */
export const LAYOUT_VERSION = 4

export interface BundleFile {
  /** Relative to `files/`, with forward slashes. */
  readonly path: string
  readonly kind: 'file' | 'link'
  /** Permission bits. */
  readonly mode: number
  /** sha256 in hex of the contents; of a link, of where it leads. */
  readonly hash: string
  /** Of a link: relative to the link. '' for a file. */
  readonly target: string
}

export interface BundleContent {
  readonly code: string
  readonly map: string
  /** Relative to the function's folder. */
  readonly entry: string
  readonly files: readonly BundleFile[]
  /** Linked packages. The place is part of the identity: functions that link different places must not share a bundle. */
  readonly externals: readonly LinkedPackage[]
  /** What was installed into the folder and is linked: the place is part of what it does, for the content is not looked at. */
  readonly installed: readonly { readonly name: string; readonly dir: string }[]
  /** What its `node_modules` shows besides `externals`. Missing in bundles of older versions of the gateway. */
  readonly visible?: readonly VisiblePackage[]
  readonly layoutVersion: number
  readonly esbuildVersion: string
}

export interface LinkedPackage {
  readonly name: string
  readonly version: string
  /** Absolute real path. Bundles that an older version of the gateway built do not record it. */
  readonly dir?: string
}

const ID = /^[0-9a-f]{40}$/
const READ_WHOLE_BYTES = 1024 * 1024

/** 40 hexadecimal digits of a sha256. */
export function bundleId(content: BundleContent): string {
  return bundleIdWith(content, sha256(content.code), sha256(content.map))
}

/** The same where the hashes of code and map are known: of many megabytes they take a while. */
export function bundleIdWith(content: Omit<BundleContent, 'code' | 'map'>, code: string, map: string): string {
  const listing = [
    ['layout', content.layoutVersion, 'esbuild', content.esbuildVersion, 'entry', content.entry],
    ['code', code, 'map', map],
    ...sorted(content.files, (file) => file.path).map(({ path, kind, mode, hash }) => ['file', path, kind, mode, hash]),
    ...sorted(content.externals, (external) => external.name).map(({ name, version, dir }) => {
      return dir === undefined ? ['external', name, version] : ['external', name, version, dir]
    }),
    ...sorted(content.installed, ({ name }) => name).map(({ name, dir }) => ['installed', name, dir]),
    ...sorted(content.visible ?? [], ({ name }) => name).map(({ name, dir }) => ['visible', name, dir]),
  ]
  return sha256(JSON.stringify(listing)).slice(0, 40)
}

/** True for what may be an id, and so may be part of a path. */
export function isBundleId(text: string): boolean {
  return ID.test(text)
}

export function sha256(text: string): string {
  return hash('sha256', text, 'hex')
}

/** sha256 of a file's contents in hex; large files are not held in memory. */
export async function hashFile(path: string): Promise<string> {
  const { size } = await stat(path)
  if (size <= READ_WHOLE_BYTES) return hash('sha256', await readFile(path), 'hex')
  const hasher = createHash('sha256')
  await pipeline(createReadStream(path), hasher)
  return hasher.digest('hex')
}

function sorted<T>(items: readonly T[], key: (item: T) => string): T[] {
  return [...items].sort((a, b) => (key(a) < key(b) ? -1 : 1))
}
