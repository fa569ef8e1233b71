/**
 * Many files in one request body, each behind a head of 40 bytes: the SHA-256 of its content, and its length as a
 * big-endian number of 64 bits.
 */
import type { BlobStore } from './blob-store.ts'
import { ByteReader } from './byte-reader.ts'
import type { Manifest } from './manifest.ts'
import { Refusal } from './refusal.ts'

const HASH_BYTES = 32
const HEAD_BYTES = HASH_BYTES + 8

export function blobHead(sha256: string, bytes: number): Buffer {
  const head = Buffer.alloc(HEAD_BYTES)
  head.write(sha256, 'hex')
  head.writeBigUInt64BE(BigInt(bytes), HASH_BYTES)
  return head
}

/** Stores the files that come, each of which the manifest has to name. Returns how many. Throws `Refusal`. */
export async function receiveBlobs(
  { files }: Manifest,
  blobs: BlobStore,
  chunks: AsyncIterable<Uint8Array>,
): Promise<number> {
  const wanted = new Map(files.map(({ sha256, bytes }) => [sha256, bytes]))
  const reader = new ByteReader(chunks)
  for (let count = 0; ; count++) {
    const head = await reader.take(HEAD_BYTES)
    if (head === null) return count
    const view = Buffer.from(head)
    const sha256 = view.toString('hex', 0, HASH_BYTES)
    const bytes = wanted.get(sha256)
    if (bytes === undefined) throw new Refusal('unacceptable-upload', `The folder has no file with the hash ${sha256}`)
    const said = view.readBigUInt64BE(HASH_BYTES)
    if (said !== BigInt(bytes))
      throw new Refusal('unacceptable-upload', `${sha256} was to have ${bytes} bytes, and ${said} are announced`)
    await blobs.receive(sha256, bytes, reader.body(bytes))
  }
}
