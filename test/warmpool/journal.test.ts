import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fstatSync, ftruncateSync, readlinkSync, writeSync } from 'node:fs'
import { describe, expect, onTestFinished, test } from 'vitest'
import { Journal } from '../../warmpool/journal.ts'
import { type MemoryFile, openSealedFile, openUnlinkedFile } from '../../warmpool/memory-file.ts'
import { RingWriter, SHARED_FILE_BYTES, TO_WORKER } from '../../warmpool/wire/body-ring.ts'

function makeJournal(file?: MemoryFile): Journal {
  const journal = new Journal(file)
  onTestFinished(() => journal.close())
  return journal
}

function count(journal: Journal, begun: number): void {
  const counter = Buffer.alloc(4)
  counter.writeUInt32LE(begun)
  writeSync(journal.fd, counter, 0, 4, 0)
}

/** Counts up for ever, and says so once it has begun to. */
const COUNTING = `
  const { writeSync } = require('node:fs')
  const counter = Buffer.alloc(4)
  let begun = 0
  function begin() {
    counter.writeUInt32LE(++begun)
    writeSync(4, counter, 0, 4, 0)
  }
  for (let at = 0; at < 1000; at++) begin()
  writeSync(1, 'begun')
  for (;;) begin()`

test('what a process wrote is readable after it was killed with SIGKILL in the midst of it', async () => {
  const journal = makeJournal()
  const child = spawn(process.execPath, ['-e', COUNTING], {
    stdio: ['ignore', 'pipe', 'inherit', 'ignore', journal.fd],
  })
  await once(child.stdout!, 'data')
  child.kill('SIGKILL')
  await once(child, 'exit')
  const begun = journal.begun()
  expect(begun).toBeGreaterThanOrEqual(1000)
  expect(journal.begun()).toBe(begun)
})

test('the last word of a process that dies in its call is kept', async () => {
  const journal = makeJournal()
  const dying = `require('node:fs').writeSync(4, Buffer.of(7, 0, 0, 0), 0, 4, 0); process.kill(process.pid, 'SIGKILL')`
  const child = spawn(process.execPath, ['-e', dying], {
    stdio: ['ignore', 'inherit', 'inherit', 'ignore', journal.fd],
  })
  const [, signal] = await once(child, 'exit')
  expect(signal).toBe('SIGKILL')
  expect(journal.begun()).toBe(7)
})

test('nothing was begun at first', () => {
  expect(makeJournal().begun()).toBe(0)
})

test('it counts up to the last of 32 bits', () => {
  const journal = makeJournal()
  for (const begun of [1, 255, 256, 0x7fffffff, 0x80000000, 0xffffffff]) {
    count(journal, begun)
    expect(journal.begun()).toBe(begun)
  }
})

test('each worker has its own', () => {
  const [one, other] = [makeJournal(), makeJournal()]
  count(one, 5)
  expect(other.begun()).toBe(0)
})

test('a worker that cuts its journal short, or fills it, breaks nothing', () => {
  const journal = makeJournal(openUnlinkedFile())
  count(journal, 0x01020304)
  ftruncateSync(journal.fd, 2)
  expect(journal.begun()).toBe(0x0304)
  ftruncateSync(journal.fd, 0)
  expect(journal.begun()).toBe(0)
  writeSync(journal.fd, Buffer.alloc(100_000, 0xff), 0, 100_000, 0)
  expect(journal.begun()).toBe(0xffffffff)
})

const FILES: readonly [string, MemoryFile | null][] = [
  ['sealed', openSealedFile(SHARED_FILE_BYTES)],
  ['unlinked', openUnlinkedFile()],
]
describe.each(FILES)('a file that is %s', (_kind, file) => {
  test.skipIf(file === null)('has no name, and only its user may open it', () => {
    expect(readlinkSync(`/proc/self/fd/${file!.fd}`)).toMatch(/ \(deleted\)$/)
    const { nlink, mode } = fstatSync(file!.fd)
    expect([nlink, mode & 0o777]).toEqual([0, 0o600])
  })
})

test.skipIf(FILES[0]![1] === null)(
  'a worker can neither shorten a sealed file nor let it grow, and ours may map it',
  () => {
    const journal = makeJournal()
    const { fd } = journal
    expect(fstatSync(fd).size).toBe(SHARED_FILE_BYTES)
    for (const bytes of [0, SHARED_FILE_BYTES - 1, SHARED_FILE_BYTES + 1])
      expect(() => ftruncateSync(fd, bytes)).toThrow(/EPERM/)
    expect(() => writeSync(fd, Buffer.alloc(1), 0, 1, SHARED_FILE_BYTES)).toThrow(/EPERM/)
    const ring = new RingWriter(fd, TO_WORKER)
    for (let puts = 0; puts < 40 && ring.mapped === null; puts++) {
      ring.put(Buffer.from('payload'))
      journal.mapWhenUsed(ring)
    }
    expect(ring.mapped).toHaveLength(SHARED_FILE_BYTES)
  },
)

test('a file that its worker could shorten is never mapped', () => {
  const journal = makeJournal(openUnlinkedFile())
  const ring = new RingWriter(journal.fd, TO_WORKER)
  for (let puts = 0; puts < 40; puts++) {
    ring.put(Buffer.from('payload'))
    journal.mapWhenUsed(ring)
  }
  expect(ring.mapped).toBeNull()
})

test('closing gives the descriptor back, once, and keeps the count', () => {
  const journal = makeJournal()
  count(journal, 42)
  journal.close()
  expect(() => fstatSync(journal.fd)).toThrow(/EBADF/)
  const next = makeJournal()
  expect(next.fd).toBe(journal.fd)
  journal.close()
  expect(next.begun()).toBe(0)
  expect(journal.begun()).toBe(42)
})
