/**
 * A folder as one archive, for whoever has nothing but curl: tar, packed with gzip or not. It is unpacked into blobs, never
 * into paths; all that an archive can hold besides files and folders is refused, and counting stops it at the limits
 * while it unpacks, so that a small archive cannot become a large one.
 */
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { extract, type Header } from 'tar-stream'
import type { BlobStore } from './blob-store.ts'
import { type FolderLimits, type Manifest, type ManifestFile, tooLarge, tooMany } from './manifest.ts'
import { pathProblem, shown } from './paths.ts'
import { Refusal } from './refusal.ts'

const GZIP = [0x1f, 0x8b]
/** Heads of the archive, padding: what it may have besides its files' bytes, for each file. */
const OVERHEAD_BYTES = 4096

/** Throws `Refusal`. The folder's own name in front of all paths, as `tar czf x.tgz folder` has it, is taken off. */
export async function receiveTar(
  chunks: AsyncIterable<Uint8Array>,
  limits: FolderLimits,
  blobs: BlobStore,
): Promise<Manifest> {
  const files: ManifestFile[] = []
  let bytes = 0
  const unpacking = extract()
  const filling = fill(chunks, unpacking, limits.maxBytes + limits.maxFiles * OVERHEAD_BYTES)
  // It is told below, where the reading of it fails.
  filling.catch(() => {})
  try {
    for await (const entry of unpacking) {
      const path = pathOf(entry.header)
      if (path === null) entry.resume()
      else {
        if (files.length >= limits.maxFiles)
          throw new Refusal('upload-too-large', tooMany(files.length + 1, limits.maxFiles))
        const left = limits.maxBytes - bytes
        if (entry.header.size > left)
          throw new Refusal('upload-too-large', tooLarge(bytes + entry.header.size, limits.maxBytes))
        const received = await blobs.receiveAny(left, entry as AsyncIterable<Uint8Array>)
        await received.keep().finally(received.drop)
        bytes += received.bytes
        const executable = (entry.header.mode & 0o100) !== 0
        files.push({ path, bytes: received.bytes, sha256: received.sha256, executable })
      }
    }
    await filling
  } catch (error) {
    unpacking.destroy()
    if (error instanceof Refusal || (error as NodeJS.ErrnoException).syscall !== undefined) throw error
    throw new Refusal('unacceptable-upload', `The archive cannot be read: ${(error as Error).message}`)
  }
  return { files: withoutCommonFolder(files), install: 'no' }
}

/** Null for a folder. */
function pathOf({ name, type }: Header): string | null {
  const path = name.replace(/^(?:\.\/)+/, '').replace(/\/+$/, '')
  if (type === 'directory' && (path === '' || path === '.')) return null
  const problem = pathProblem(path)
  if (problem !== null) throw new Refusal('unacceptable-upload', `The archive's ${shown(name)} is refused: ${problem}`)
  if (type === 'directory') return null
  if (type === 'file' || type === 'contiguous-file') return path
  throw new Refusal(
    'unacceptable-upload',
    `The archive's ${shown(name)} is a ${type}: only files and folders are taken`,
  )
}

async function fill(
  chunks: AsyncIterable<Uint8Array>,
  unpacking: NodeJS.WritableStream,
  maxBytes: number,
): Promise<void> {
  const iterator = chunks[Symbol.asyncIterator]()
  const { value: first = new Uint8Array(0) } = await iterator.next()
  const whole = Readable.from(again(first, iterator))
  const isPacked = first[0] === GZIP[0] && first[1] === GZIP[1]
  const counted = (source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> => countedUpTo(source, maxBytes)
  if (isPacked) await pipeline(whole, createGunzip(), counted, unpacking)
  else await pipeline(whole, counted, unpacking)
}

async function* again(first: Uint8Array, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  if (first.length > 0) yield first
  for (;;) {
    const { done, value } = await rest.next()
    if (done) return
    yield value
  }
}

async function* countedUpTo(source: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<Uint8Array> {
  let bytes = 0
  for await (const chunk of source) {
    bytes += chunk.length
    if (bytes > maxBytes) throw new Refusal('upload-too-large', `The archive unpacks to more than ${maxBytes} bytes`)
    yield chunk
  }
}

/** `tar czf hello.tgz hello` puts `hello/` in front of everything. */
function withoutCommonFolder(files: readonly ManifestFile[]): ManifestFile[] {
  const first = files[0]?.path.split('/', 1)[0]
  const prefix = `${first}/`
  if (first === undefined || !files.every(({ path }) => path.startsWith(prefix))) return [...files]
  return files.map((file) => ({ ...file, path: file.path.slice(prefix.length) }))
}
