/**
 * Uploaded files by the hash of their content, `<stateDir>/deploy/blobs/<sha256>`. One that has arrived whole stays for as
 * long as a version has it (a version's folder links to it), and for a while after that; so an upload that breaks off
 * goes on where it was, and what was uploaded once is not sent again. Bytes that are not what their hash says are never there.
 */
import { createHash } from 'node:crypto'
import { copyFile, link, mkdir, open, readdir, rename, rm, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { hashFile } from '../functions/bundle-id.ts'
import { concurrently } from '../functions/concurrently.ts'
import { newTemporaryPath } from '../functions/temporary.ts'
import type { ManifestFile } from './manifest.ts'
import { shown } from './paths.ts'
import { Refusal } from './refusal.ts'

/** What nobody has is kept so long: somebody may be about to upload the rest. */
const UNUSED_MS = 3_600_000
const CONCURRENT_FILES = 16

export class BlobStore {
  readonly stateDir: string
  readonly #dir: string

  constructor(stateDir: string) {
    this.stateDir = stateDir
    this.#dir = join(stateDir, 'deploy', 'blobs')
  }

  async open(): Promise<void> {
    await mkdir(this.#dir, { recursive: true })
  }

  /** Which of these have not arrived yet, each once. Those that have are kept a while longer, for whoever asks needs them. */
  async missing(files: readonly ManifestFile[]): Promise<ManifestFile[]> {
    const byHash = new Map(files.map((file) => [file.sha256, file]))
    const looked = await concurrently([...byHash.values()], CONCURRENT_FILES, async (file) => {
      const path = this.#path(file.sha256)
      const found = await stat(path).catch(() => null)
      if (found?.size !== file.bytes) return [file]
      if (found.nlink > 1) return []
      const now = new Date()
      // One that was swept since it was looked at has to come again.
      return utimes(path, now, now).then(
        () => [],
        () => [file],
      )
    })
    return looked.flat()
  }

  /**
   * Takes a blob's bytes. Throws `Refusal` when they are more or fewer than said, or have another hash; whatever it throws,
   * nothing of it stays.
   */
  async receive(sha256: string, bytes: number, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const received = await this.receiveAny(bytes, chunks)
    try {
      if (received.bytes !== bytes || received.sha256 !== sha256)
        throw new Refusal('unacceptable-upload', `The bytes that came for ${sha256} are not what that hash says`)
      await received.keep()
    } finally {
      await received.drop()
    }
  }

  /** Takes bytes whose hash is not known before. They are kept with `keep`; `drop` is called in any case. */
  async receiveAny(
    maxBytes: number,
    chunks: AsyncIterable<Uint8Array>,
  ): Promise<{ readonly sha256: string; readonly bytes: number; keep(): Promise<void>; drop(): Promise<void> }> {
    const draft = await newTemporaryPath(this.stateDir)
    const drop = (): Promise<void> => rm(draft, { force: true })
    try {
      const file = await open(draft, 'wx', 0o444)
      const hash = createHash('sha256')
      let bytes = 0
      try {
        for await (const chunk of chunks) {
          bytes += chunk.length
          if (bytes > maxBytes) throw new Refusal('upload-too-large', `A file is longer than ${maxBytes} bytes`)
          hash.update(chunk)
          // All of it: of one write, a disk that gets full takes a part without an error.
          await file.writeFile(chunk)
        }
      } finally {
        await file.close()
      }
      const sha256 = hash.digest('hex')
      return { sha256, bytes, keep: () => rename(draft, this.#path(sha256)), drop }
    } catch (error) {
      await drop()
      throw error
    }
  }

  /** Puts a blob into a folder, under its path there. Throws `Refusal` when its bytes are not what they were. */
  async place(file: ManifestFile, to: string): Promise<void> {
    const blob = this.#path(file.sha256)
    if ((await hashFile(blob)) !== file.sha256) {
      await rm(blob, { force: true })
      throw new Refusal('corrupted', `What was uploaded for ${shown(file.path)} has changed on the disk: deploy again`)
    }
    // A link shares its mode: what is executable is a copy.
    const isLinked = !file.executable && (await link(blob, to).then(() => true, cannotLink))
    if (isLinked) return
    await copyFile(blob, to)
    const copy = await open(to, 'r')
    await copy.chmod(file.executable ? 0o555 : 0o444).finally(() => copy.close())
  }

  /** Removes what no version has any longer. */
  async sweep(nowMs: number): Promise<void> {
    await concurrently(await readdir(this.#dir), CONCURRENT_FILES, async (name) => {
      const path = join(this.#dir, name)
      const found = await stat(path).catch(() => null)
      if (found !== null && found.nlink === 1 && nowMs - found.mtimeMs > UNUSED_MS) await rm(path, { force: true })
    })
  }

  #path(sha256: string): string {
    return join(this.#dir, sha256)
  }
}

/** On file systems without hard links, and beyond as many as one file may have. */
function cannotLink(error: NodeJS.ErrnoException): false {
  if (error.code === 'EPERM' || error.code === 'EMLINK' || error.code === 'ENOTSUP' || error.code === 'EXDEV')
    return false
  throw error
}
