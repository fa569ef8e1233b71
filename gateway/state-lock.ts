/**
 * One gateway for one state folder: two would sweep each other's bundles and overwrite each other's records. The lock is
 * the system's own on a file in the folder, so it ends with its process however that ends, and processes of other
 * containers that share the folder see it. Node has no call for such a lock; SQLite, which is in Node, takes one for a
 * transaction, and nothing is ever stored in its file. So one that holds something else is emptied: nothing is lost.
 */
import { mkdirSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { readKey } from './admin/key.ts'

const LOCK_FILE = 'gateway.lock'
/** SQLITE_BUSY (https://www.sqlite.org/rescode.html#busy). */
const BUSY = 5
/** SQLITE_CORRUPT and SQLITE_NOTADB: the file holds what SQLite has not written. */
const DAMAGED = [11, 26]

/** Another gateway has the folder. The message names both, and says how to choose another folder. */
export class StateInUse extends Error {
  override readonly name = 'StateInUse'
  readonly code = 'state-in-use'

  constructor(stateDir: string) {
    const url = readKey(stateDir)?.url
    const other = `Another gateway${url === undefined ? '' : ` (its admin address is ${url})`}`
    const wayOut = 'Stop it, or give this one a folder and ports of its own: --state DIR --port N --admin-port N.'
    super(`${other} works with the state folder ${stateDir}. ${wayOut}`)
  }
}

export class StateLock {
  readonly #database: DatabaseSync

  /** Throws `StateInUse`, or what the system says where the folder takes no file or no lock. */
  constructor(stateDir: string) {
    mkdirSync(stateDir, { recursive: true })
    const path = join(stateDir, LOCK_FILE)
    try {
      this.#database = lockOrEmpty(path)
    } catch (error) {
      throw codeOf(error) === BUSY ? new StateInUse(stateDir) : error
    }
  }

  release(): void {
    this.#database.close()
  }
}

function lockOrEmpty(path: string): DatabaseSync {
  try {
    return lock(path)
  } catch (error) {
    if (!DAMAGED.includes(codeOf(error) ?? 0)) throw error
    // The same file, and not another in its place: of two gateways that find it damaged only one gets its lock.
    truncateSync(path)
    return lock(path)
  }
}

function lock(path: string): DatabaseSync {
  const database = new DatabaseSync(path, { timeout: 0 })
  try {
    database.exec('PRAGMA journal_mode = OFF; BEGIN EXCLUSIVE')
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

function codeOf(error: unknown): number | undefined {
  return (error as { errcode?: number }).errcode
}
