/** What deploying keeps on the disk: blobs by hash, tokens by hash, the audit log. */
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { AuditLog } from '../../../gateway/deploy/audit-log.ts'
import { blobHead, receiveBlobs } from '../../../gateway/deploy/blob-frames.ts'
import { BlobStore } from '../../../gateway/deploy/blob-store.ts'
import { newRecord } from '../../../gateway/deploy/record.ts'
import { RecordStore } from '../../../gateway/deploy/record-store.ts'
import { mayDo, maySee, TokenStore } from '../../../gateway/deploy/token-store.ts'
import { sha256 } from '../../../gateway/functions/bundle-id.ts'

let state: string
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'wrangler-free-stores-'))
})
afterEach(() => rmSync(state, { recursive: true }))

const fileOf = (path: string, content: string, executable = false) => {
  return { path, bytes: Buffer.byteLength(content), sha256: sha256(content), executable }
}

async function* pieces(...bytes: (Buffer | string)[]): AsyncGenerator<Uint8Array> {
  for (const one of bytes) yield Buffer.from(one)
}

describe('uploaded files', () => {
  const files = [fileOf('a', 'alpha'), fileOf('b', 'beta'), fileOf('c', '')]
  const manifest = { files, install: 'no' } as const
  const framed = (content: string) => Buffer.concat([blobHead(sha256(content), content.length), Buffer.from(content)])
  let blobs: BlobStore
  beforeEach(async () => {
    blobs = new BlobStore(state)
    await blobs.open()
  })

  it('arrive in whatever pieces, and what is there is not missing any more', async () => {
    const bytes = Buffer.concat([framed('alpha'), framed(''), framed('beta')])
    expect(
      await receiveBlobs(manifest, blobs, pieces(bytes.subarray(0, 3), bytes.subarray(3, 43), bytes.subarray(43))),
    ).toBe(3)
    expect(await blobs.missing(files)).toEqual([])
  })

  it('that came whole stay when the rest breaks off', async () => {
    const bytes = Buffer.concat([framed('alpha'), framed('beta')])
    await expect(receiveBlobs(manifest, blobs, pieces(bytes.subarray(0, -1)))).rejects.toThrow('broke off')
    expect((await blobs.missing(files)).map(({ path }) => path)).toEqual(['b', 'c'])
    expect(readdirSync(join(state, 'tmp'))).toEqual([])
  })

  it('are refused when they are not what their hash says, or nobody asked for them', async () => {
    const wrong = Buffer.concat([blobHead(sha256('beta'), 4), Buffer.from('bet!')])
    await expect(receiveBlobs(manifest, blobs, pieces(wrong))).rejects.toThrow('not what that hash says')
    await expect(receiveBlobs(manifest, blobs, pieces(framed('gamma')))).rejects.toThrow('no file with the hash')
    const long = blobHead(sha256('beta'), 5)
    await expect(receiveBlobs(manifest, blobs, pieces(long))).rejects.toThrow('was to have 4 bytes')
    expect(await blobs.missing(files)).toHaveLength(3)
  })

  it('that changed on the disk are found out when they are used, and have to come again', async () => {
    await receiveBlobs(manifest, blobs, pieces(framed('alpha'), framed('beta'), framed('')))
    const blob = join(state, 'deploy/blobs', sha256('beta'))
    chmodSync(blob, 0o644)
    writeFileSync(blob, 'bent')
    const records = new RecordStore(state)
    await records.open()
    const assembling = records.assemble('hello', 'an-id', manifest, blobs, async () => {})
    await expect(assembling).rejects.toThrow('has changed on the disk')
    expect(readdirSync(join(state, 'deploy/functions'))).toEqual([])
    expect((await blobs.missing(files)).map(({ path }) => path)).toEqual(['b'])
  })

  it('become a folder that nobody writes to by mistake, and stay as long as that', async () => {
    const program = fileOf('bin/run', 'beta', true)
    const all = { files: [...files, program], install: 'no' } as const
    await receiveBlobs(all, blobs, pieces(framed('alpha'), framed('beta'), framed('')))
    const records = new RecordStore(state)
    await records.open()
    await records.assemble('hello', 'an-id', all, blobs, async () => {})
    const folder = records.folderOf('hello', 'an-id')
    expect(readFileSync(join(folder, 'a'), 'utf8')).toBe('alpha')
    expect(statSync(join(folder, 'a')).mode & 0o777).toBe(0o444)
    expect(statSync(join(folder, 'b')).mode & 0o777).toBe(0o444)
    expect(statSync(join(folder, 'bin/run')).mode & 0o777).toBe(0o555)
    const old = new Date(Date.now() - 10_000_000)
    for (const { sha256: hash } of files) utimesSync(join(state, 'deploy/blobs', hash), old, old)
    await blobs.sweep(Date.now())
    expect(await blobs.missing(files)).toEqual([])
    await records.sweep('hello', new Set())
    await blobs.sweep(Date.now())
    expect(await blobs.missing(files)).toHaveLength(3)
  })

  it('stay where an upload that goes on has asked for them', async () => {
    const file = fileOf('a', 'left by a lost line')
    await blobs.receive(file.sha256, file.bytes, pieces('left by a lost line'))
    const old = new Date(Date.now() - 10_000_000)
    utimesSync(join(state, 'deploy/blobs', file.sha256), old, old)
    expect(await blobs.missing([file])).toEqual([])
    await blobs.sweep(Date.now())
    expect(await blobs.missing([file])).toEqual([])
  })
})

describe('records', () => {
  it('are read as they were written, and one that is none is told', async () => {
    const records = new RecordStore(state)
    await records.open()
    await records.write(newRecord('one'))
    await records.write(newRecord('two'))
    writeFileSync(join(state, 'deploy/functions/two/record.json'), '{ "layout": 1, ')
    const unreadable: string[] = []
    expect(records.readAll((name) => unreadable.push(name))).toEqual([newRecord('one')])
    expect(unreadable).toEqual(['two'])
  })
})

describe('tokens', () => {
  it('are found by what was shown once, kept as hashes, and gone when revoked', async () => {
    const tokens = new TokenStore(state)
    const { token, record } = await tokens.create({ name: 'ci', scope: 'deploy', functions: ['shop'] })
    expect(tokens.find(token)).toMatchObject({ name: 'ci', scope: 'deploy', functions: ['shop'] })
    expect(tokens.find(`${token}x`)).toBe(null)
    const path = join(state, 'deploy/tokens.json')
    expect(readFileSync(path, 'utf8')).not.toContain(token)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(new TokenStore(state).find(token)).not.toBe(null)
    await expect(tokens.create({ name: 'ci', scope: 'read', functions: null })).rejects.toThrow('already')
    for (const name of ['admin', 'gateway'])
      await expect(tokens.create({ name, scope: 'read', functions: null })).rejects.toThrow('audit log')
    await tokens.revoke(record.id)
    expect(tokens.find(token)).toBe(null)
    expect(new TokenStore(state).find(token)).toBe(null)
    await expect(tokens.revoke('ci')).rejects.toThrow('no token "ci"')
  })

  it('that cannot be read keep a gateway from starting: nobody is locked out unsaid', () => {
    mkdirSync(join(state, 'deploy'))
    writeFileSync(join(state, 'deploy/tokens.json'), '{ "tokens": [')
    expect(() => new TokenStore(state)).toThrow('mend the file, or remove it')
  })

  it('may what their scope says, and what those before it may', () => {
    const may = (scope: 'read' | 'deploy' | 'admin') =>
      (['read', 'deploy', 'admin'] as const).filter((wanted) => mayDo({ name: '', scope, functions: null }, wanted))
    expect([may('read'), may('deploy'), may('admin')]).toEqual([
      ['read'],
      ['read', 'deploy'],
      ['read', 'deploy', 'admin'],
    ])
    expect(maySee({ name: '', scope: 'read', functions: ['a'] }, 'b')).toBe(false)
  })

  it('for some functions administer none: they could make themselves one for all', async () => {
    const some = { name: 'some', scope: 'admin', functions: ['a'] } as const
    expect([mayDo(some, 'deploy'), mayDo(some, 'admin')]).toEqual([true, false])
    await expect(new TokenStore(state).create(some)).rejects.toThrow('cannot be for some of them')
  })
})

describe('the audit log', () => {
  const event = { by: 'ci', what: 'deploy', function: 'hello', from: 1, to: 2 }

  it('tells the newest first, over a restart and half a line', async () => {
    await new AuditLog(state).append(event)
    const log = new AuditLog(state)
    await log.append({ ...event, from: 2, to: 3 })
    writeFileSync(join(state, 'deploy/audit.jsonl'), '{"at":', { flag: 'a' })
    expect((await log.read(10)).map(({ to }) => to)).toEqual([3, 2])
    expect((await log.read(1)).map(({ to }) => to)).toEqual([3])
    // What is done next is not lost with it.
    await new AuditLog(state).append({ ...event, from: 3, to: 4 })
    await log.append({ ...event, from: 4, to: 5 })
    expect((await log.read(10)).map(({ to }) => to)).toEqual([5, 4, 3, 2])
  })

  it('takes a line of what a function says, and no page', async () => {
    const log = new AuditLog(state)
    await log.append({ ...event, what: 'deploy-failed', why: 'y'.repeat(100_000) })
    const [line] = await log.read(1)
    expect(line!.why).toMatch(/^y{500}$/)
  })

  it('is kept in five files of a size', async () => {
    const log = new AuditLog(state, 300)
    for (let at = 1; at <= 40; at++) await log.append({ ...event, to: at })
    const files = readdirSync(join(state, 'deploy')).sort()
    expect(files).toEqual(['audit.1.jsonl', 'audit.2.jsonl', 'audit.3.jsonl', 'audit.4.jsonl', 'audit.jsonl'])
    for (const file of files) expect(statSync(join(state, 'deploy', file)).size).toBeLessThanOrEqual(300)
    const kept = (await log.read(100)).map(({ to }) => to)
    expect(kept).toEqual(Array.from(kept, (_, at) => 40 - at))
  })
})
