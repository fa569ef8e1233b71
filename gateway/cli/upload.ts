/**
 * Brings a folder to a gateway: says what it consists of, and sends what is missing there. A connection that is lost is made
 * again, and what had arrived is not sent twice.
 */
import { createReadStream } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { blobHead } from '../deploy/blob-frames.ts'
import { askForJson, ConnectionLost } from './admin-api.ts'
import type { AdminAddress } from './admin-client.ts'
import type { FolderEntry } from './folder-contents.ts'

export interface Uploaded {
  readonly upload: string
  /** Of all files, and of those that had to be sent. */
  readonly files: number
  readonly sentFiles: number
  readonly sentBytes: number
}

interface Begun {
  readonly upload: string
  readonly missing: readonly string[]
}

/** Of one request: what a lost connection may cost. */
const BATCH_BYTES = 8 * 1024 * 1024
const BATCH_FILES = 1_000
const MAX_TRIES = 6
const FIRST_PAUSE_MS = 200

export async function upload(
  address: AdminAddress,
  name: string,
  files: readonly FolderEntry[],
  install: string,
  onProgress: (sentBytes: number, totalBytes: number) => void,
): Promise<Uploaded> {
  const base = `v1/functions/${encodeURIComponent(name)}/uploads`
  const listed = files.map(({ path, bytes, sha256, executable }) => ({ path, bytes, sha256, executable }))
  const sent = { files: 0, bytes: 0 }
  for (let tries = 1; ; tries++) {
    const before = sent.files
    try {
      const begun = await askForJson<Begun>(address, { method: 'POST', path: base, json: { files: listed, install } })
      await send(address, `${base}/${begun.upload}/files`, missingOf(files, begun.missing), sent, onProgress)
      return { upload: begun.upload, files: files.length, sentFiles: sent.files, sentBytes: sent.bytes }
    } catch (error) {
      if (!(error instanceof ConnectionLost)) throw error
      // As long as something arrives it is worth going on.
      if (sent.files > before) tries = 0
      if (tries >= MAX_TRIES) throw error
      await setTimeout(FIRST_PAUSE_MS * 2 ** tries)
    }
  }
}

/** Each content once. */
function missingOf(files: readonly FolderEntry[], missing: readonly string[]): FolderEntry[] {
  const byHash = new Map(files.map((file) => [file.sha256, file]))
  return missing.map((sha256) => byHash.get(sha256)!)
}

async function send(
  address: AdminAddress,
  path: string,
  files: readonly FolderEntry[],
  sent: { files: number; bytes: number },
  onProgress: (sentBytes: number, totalBytes: number) => void,
): Promise<void> {
  const totalBytes = sent.bytes + bytesOf(files)
  for (const batch of inBatches(files)) {
    await askForJson(address, { method: 'POST', path, body: framed(batch) })
    sent.files += batch.length
    sent.bytes += bytesOf(batch)
    onProgress(sent.bytes, totalBytes)
  }
}

async function* framed(files: readonly FolderEntry[]): AsyncGenerator<Uint8Array> {
  for (const { file, sha256, bytes } of files) {
    yield blobHead(sha256, bytes)
    // No more than was announced: one that grows meanwhile is told by its hash.
    if (bytes > 0) yield* createReadStream(file, { end: bytes - 1 }) as AsyncIterable<Uint8Array>
  }
}

function inBatches(files: readonly FolderEntry[]): FolderEntry[][] {
  const batches: FolderEntry[][] = []
  let bytes = Number.POSITIVE_INFINITY
  for (const file of files) {
    const last = batches.at(-1)
    if (last === undefined || bytes + file.bytes > BATCH_BYTES || last.length === BATCH_FILES) {
      batches.push([file])
      bytes = file.bytes
    } else {
      last.push(file)
      bytes += file.bytes
    }
  }
  return batches
}

function bytesOf(files: readonly FolderEntry[]): number {
  return files.reduce((sum, file) => sum + file.bytes, 0)
}
