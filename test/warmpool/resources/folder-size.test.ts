import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { FolderSize } from '../../../warmpool/resources/folder-size.ts'

const KiB = 1024

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'size-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return folder
}

async function sizeOf(folder: string, enough = Number.POSITIVE_INFINITY): Promise<number> {
  const size = new FolderSize(folder)
  await size.look(enough)
  return size.bytes
}

test('what files hold is counted, however deep they lie', async () => {
  const folder = makeFolder()
  mkdirSync(join(folder, 'a/b'), { recursive: true })
  writeFileSync(join(folder, 'first'), Buffer.alloc(100 * KiB, 1))
  writeFileSync(join(folder, 'a/b/second'), Buffer.alloc(200 * KiB, 1))
  const bytes = await sizeOf(folder)
  expect(bytes).toBeGreaterThanOrEqual(300 * KiB)
  expect(bytes).toBeLessThan(340 * KiB)
})

test('a file that is long and holds nothing is not, nor what a link leads to', async () => {
  const folder = makeFolder()
  const elsewhere = makeFolder()
  writeFileSync(join(elsewhere, 'large'), Buffer.alloc(500 * KiB, 1))
  writeFileSync(join(folder, 'sparse'), '')
  truncateSync(join(folder, 'sparse'), 10_000 * KiB)
  symlinkSync(elsewhere, join(folder, 'link'))
  expect(await sizeOf(folder)).toBeLessThan(20 * KiB)
})

test('it looks no further than enough', async () => {
  const folder = makeFolder()
  for (let at = 0; at < 20; at++) writeFileSync(join(folder, String(at)), Buffer.alloc(100 * KiB, 1))
  expect(await sizeOf(folder, 150 * KiB)).toBeLessThan(400 * KiB)
})

test('a folder that is gone holds nothing', async () => {
  expect(await sizeOf('/no/such/folder')).toBe(0)
})
