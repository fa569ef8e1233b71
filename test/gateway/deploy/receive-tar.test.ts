/** Archives as they come from strangers: what is not a plain file inside of the folder is refused, and nothing is written outside. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import { type Header, pack } from 'tar-stream'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { BlobStore } from '../../../gateway/deploy/blob-store.ts'
import { receiveTar } from '../../../gateway/deploy/receive-tar.ts'
import { sha256 } from '../../../gateway/functions/bundle-id.ts'

const LIMITS = { maxFiles: 4, maxBytes: 100_000 }

let outer: string
let state: string
let blobs: BlobStore

beforeEach(async () => {
  outer = mkdtempSync(join(tmpdir(), 'wrangler-free-tar-'))
  state = join(outer, 'state')
  mkdirSync(state)
  blobs = new BlobStore(state)
  await blobs.open()
})

afterEach(() => {
  expect(readdirSync(outer)).toEqual(['state'])
  // Nothing half-written stays.
  if (existsSync(join(state, 'tmp'))) expect(readdirSync(join(state, 'tmp'))).toEqual([])
  rmSync(outer, { recursive: true })
})

type Entry = Partial<Header> & { readonly name: string; readonly content?: string }

async function tar(...entries: Entry[]): Promise<Buffer> {
  const archive = pack()
  for (const { content = '', ...header } of entries) archive.entry(header, content)
  archive.finalize()
  return buffer(archive as never)
}

async function* inPieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 1000) yield bytes.subarray(at, at + 1000)
}

const received = (bytes: Uint8Array) => receiveTar(inPieces(bytes), LIMITS, blobs)

it('takes files and folders, packed or not, with the folder in front or without', async () => {
  const bytes = await tar(
    { name: 'hello/', type: 'directory' },
    { name: 'hello/index.js', content: 'code' },
    { name: 'hello/bin/run', content: 'run', mode: 0o755 },
  )
  const files = [
    { path: 'index.js', bytes: 4, sha256: sha256('code'), executable: false },
    { path: 'bin/run', bytes: 3, sha256: sha256('run'), executable: true },
  ]
  expect(await received(bytes)).toEqual({ files, install: 'no' })
  expect(await received(gzipSync(bytes))).toEqual({ files, install: 'no' })
  expect(readFileSync(join(state, 'deploy/blobs', sha256('code')), 'utf8')).toBe('code')
  const plain = await tar({ name: './index.js', content: 'code' }, { name: './b.js', content: 'b' })
  expect((await received(plain)).files.map(({ path }) => path)).toEqual(['index.js', 'b.js'])
})

it.each<[what: string, entry: Entry]>([
  ['symbolic link', { name: 'a', type: 'symlink', linkname: '/etc/passwd' }],
  ['hard link', { name: 'a', type: 'link', linkname: '../../admin.json' }],
  ['character device', { name: 'a', type: 'character-device' }],
  ['block device', { name: 'a', type: 'block-device' }],
  ['pipe', { name: 'a', type: 'fifo' }],
  ['path that leads out', { name: '../../escaped', content: 'x' }],
  ['folder that leads out', { name: '../escaped/', type: 'directory' }],
  ['absolute path', { name: '/tmp/escaped', content: 'x' }],
  ['path with a backslash', { name: 'a\\b', content: 'x' }],
])('refuses a %s', async (_, entry) => {
  const bytes = await tar({ name: 'index.js', content: 'code' }, entry)
  await expect(received(bytes)).rejects.toMatchObject({ code: 'unacceptable-upload' })
})

it('refuses more files, and more bytes, than it is to take', async () => {
  const many = await tar(...['a', 'b', 'c', 'd', 'e'].map((name) => ({ name, content: name })))
  await expect(received(many)).rejects.toMatchObject({ code: 'upload-too-large' })
  const large = await tar({ name: 'a', content: 'x'.repeat(60_000) }, { name: 'b', content: 'x'.repeat(60_000) })
  await expect(received(large)).rejects.toMatchObject({ code: 'upload-too-large' })
})

it('stops unpacking an archive that grows beyond what it may hold', async () => {
  const bomb = gzipSync(await tar({ name: 'a', content: '\0'.repeat(50_000_000) }))
  expect(bomb.length).toBeLessThan(100_000)
  await expect(received(bomb)).rejects.toMatchObject({ code: 'upload-too-large' })
  // Zeros without end, behind the end of an archive.
  const tail = gzipSync(Buffer.concat([await tar({ name: 'a', content: 'a' }), Buffer.alloc(50_000_000)]))
  await expect(received(tail)).rejects.toMatchObject({ code: 'upload-too-large' })
})

it.each([
  ['is none', Buffer.from('PK\x03\x04 and so on, for more than one block of an archive'.repeat(40))],
  ['breaks off', gzipSync(Buffer.alloc(100_000, 'x')).subarray(0, 60)],
  ['is damaged', Buffer.concat([Buffer.from([0x1f, 0x8b]), Buffer.alloc(2_000, 'x')])],
])('refuses an archive that %s', async (_, bytes) => {
  await expect(received(bytes)).rejects.toMatchObject({ code: 'unacceptable-upload' })
})

it('refuses an archive of too many files before any of them becomes a file of its own', async () => {
  const bytes = await tar(...Array.from({ length: 5 }, (_, at) => ({ name: `a${at}`, content: `${at}` })))
  await expect(received(bytes)).rejects.toMatchObject({ code: 'upload-too-large' })
  expect(readdirSync(join(state, 'deploy/blobs'))).toEqual([])
})

it('refuses an archive of too many folders', async () => {
  const bytes = await tar(...Array.from({ length: 5 }, (_, at) => ({ name: `a${at}/`, type: 'directory' as const })))
  await expect(received(bytes)).rejects.toMatchObject({
    code: 'upload-too-large',
    message: 'The archive has 5 folders; deploy.maxFiles allows 4',
  })
})

it('keeps the bytes of files apart, whatever their lengths', async () => {
  const contents = ['', 'x'.repeat(70_000), 'yz', '']
  const bytes = await tar(...contents.map((content, at) => ({ name: `f${at}`, content })))
  const { files } = await received(gzipSync(bytes))
  expect(files.map((file) => readFileSync(join(state, 'deploy/blobs', file.sha256), 'utf8'))).toEqual(contents)
})
