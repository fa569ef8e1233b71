/**
 * A folder as one archive, for whoever has nothing but curl: tar, packed with gzip or not. It is unpacked into blobs, never
 * into paths; all that an archive can hold besides files and folders is refused, and counting stops it at the limits
 * while it unpacks, so that a small archive cannot become a large one. Nothing becomes a file before all of it was
 * counted: until then the bytes of all files lie in one draft, so a refusal does not wait for thousands of files.
 */
import { type FileHandle, open, rm } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { extract, type Header } from 'tar-stream'
import { newTemporaryPath } from '../functions/temporary.ts'
import type { BlobStore } from './blob-store.ts'
import { type FolderLimits, type Manifest, type ManifestFile, tooLarge, tooMany } from './manifest.ts'
import { pathProblem, shown } from './paths.ts'
import { Refusal } from './refusal.ts'

const GZIP = [0x1f, 0x8b]
/** Heads of the archive, padding: what it may have besides its files' bytes, for each file. */
const OVERHEAD_BYTES = 4096

/** Pieces in which the draft is written, and becomes files. */
const PIECE_BYTES = 64 * 1024

/** A file of the archive, and where its bytes are in the draft. */
interface Entry {
  readonly path: string
  readonly at: number
  readonly bytes: number
  readonly executable: boolean
}

/** Throws `Refusal`. The folder's own name in front of all paths, as `tar czf x.tgz folder` has it, is taken off. */
export async function receiveTar(
  chunks: AsyncIterable<Uint8Array>,
  limits: FolderLimits,
  blobs: BlobStore,
): Promise<Manifest> {
  const draft = await newTemporaryPath(blobs.stateDir)
  const file = await open(draft, 'wx+', 0o600)
  try {
    const entries = await unpack(chunks, limits, new Draft(file))
    const files: ManifestFile[] = []
    for (const { path, at, bytes, executable } of entries) {
      const received = await blobs.receiveAny(bytes, piecesOf(file, at, at + bytes))
      await received.keep().finally(received.drop)
      files.push({ path, bytes, sha256: received.sha256, executable })
    }
    return { files: withoutCommonFolder(files), install: 'no' }
  } finally {
    await file.close()
    await rm(draft, { force: true })
  }
}

async function unpack(
  chunks: AsyncIterable<Uint8Array>,
  limits: FolderLimits,
  draft: Draft,
): Promise<readonly Entry[]> {
  const entries: Entry[] = []
  let folders = 0
  let bytes = 0
  const unpacking = extract()
  const filling = fill(chunks, unpacking, limits.maxBytes + limits.maxFiles * OVERHEAD_BYTES)
  // It is told below, where the reading of it fails.
  filling.catch(() => {})
  try {
    for await (const entry of unpacking) {
      const path = pathOf(entry.header)
      if (path === null) {
        if (++folders > limits.maxFiles) throw new Refusal('upload-too-large', tooManyFolders(folders, limits.maxFiles))
        entry.resume()
      } else {
        if (entries.length >= limits.maxFiles)
          throw new Refusal('upload-too-large', tooMany(entries.length + 1, limits.maxFiles))
        if (bytes + entry.header.size > limits.maxBytes)
          throw new Refusal('upload-too-large', tooLarge(bytes + entry.header.size, limits.maxBytes))
        const at = bytes
        for await (const chunk of entry as AsyncIterable<Uint8Array>) {
          bytes += chunk.length
          await draft.add(chunk)
        }
        entries.push({ path, at, bytes: bytes - at, executable: (entry.header.mode & 0o100) !== 0 })
      }
    }
    await filling
    await draft.flush()
    return entries
  } catch (error) {
    unpacking.destroy()
    if (error instanceof Refusal || (error as NodeJS.ErrnoException).syscall !== undefined) throw error
    throw new Refusal('unacceptable-upload', `The archive cannot be read: ${(error as Error).message}`)
  }
}

/** Writes to a file in large pieces, however small those are that come. */
class Draft {
  readonly #file: FileHandle
  #held: Uint8Array[] = []
  #heldBytes = 0

  constructor(file: FileHandle) {
    this.#file = file
  }

  async add(chunk: Uint8Array): Promise<void> {
    this.#held.push(chunk)
    this.#heldBytes += chunk.length
    if (this.#heldBytes >= PIECE_BYTES) await this.flush()
  }

  async flush(): Promise<void> {
    const held = this.#held
    this.#held = []
    this.#heldBytes = 0
    // All of it: of one write, a disk that gets full takes a part without an error.
    if (held.length > 0) await this.#file.writeFile(Buffer.concat(held))
  }
}

async function* piecesOf(file: FileHandle, start: number, end: number): AsyncGenerator<Uint8Array> {
  for (let at = start; at < end; ) {
    const piece = Buffer.allocUnsafe(Math.min(PIECE_BYTES, end - at))
    const { bytesRead } = await file.read(piece, 0, piece.length, at)
    if (bytesRead === 0)
      throw new Refusal('corrupted', 'What was unpacked of the archive has changed on the disk: deploy again')
    yield piece.subarray(0, bytesRead)
    at += bytesRead
  }
}

function tooManyFolders(folders: number, maxFiles: number): string {
  return `The archive has ${folders} folders; deploy.maxFiles allows ${maxFiles}`
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
