import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { StateInUse, StateLock } from '../../gateway/state-lock.ts'

let folder: string
let file: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wrangler-free-lock-'))
  file = join(folder, 'gateway.lock')
})

afterEach(() => rmSync(folder, { recursive: true }))

/** A database with a table, of which the second half is overwritten. */
function corrupted(): Buffer {
  const other = join(folder, 'other.db')
  const database = new DatabaseSync(other)
  database.exec('CREATE TABLE a (b); INSERT INTO a VALUES (randomblob(100000))')
  database.close()
  return Buffer.alloc(statSync(other).size, 'SQLite format 3\0garbage')
}

it.each([
  ['text', () => 'not a database '.repeat(500)],
  ['a few bytes', () => 'x'],
  ['a database that is broken', corrupted],
  ['nothing', () => ''],
])('a lock file that holds %s is emptied and taken', (_, content) => {
  writeFileSync(file, content())
  const lock = new StateLock(folder)
  expect(() => new StateLock(folder)).toThrow(StateInUse)
  lock.release()
  new StateLock(folder).release()
})

it('a lock that somebody has is not taken from them by damage to its file', () => {
  const lock = new StateLock(folder)
  writeFileSync(file, 'not a database '.repeat(500))
  expect(() => new StateLock(folder)).toThrow(StateInUse)
  lock.release()
})
