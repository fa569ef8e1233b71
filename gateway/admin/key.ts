/**
 * How the commands of this machine find a gateway: a file in its state folder that says where its admin address is and,
 * where the configuration names no token, one that was made for this run. Only the gateway's user may read the file, and
 * functions may not (docs/security.md). A token that the operator has chosen is not written anywhere.
 */
import { randomBytes } from 'node:crypto'
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface AdminKey {
  /** Without a slash at its end. */
  readonly url: string
  /** null: the configuration names one. */
  readonly token: string | null
}

export const KEY_FILE = 'admin.json'

/** Whole at every moment, and nobody else's from its first byte on. */
export function writeKey(stateDir: string, key: AdminKey): void {
  const written = join(stateDir, `${KEY_FILE}.${process.pid}`)
  rmSync(written, { force: true })
  writeFileSync(written, `${JSON.stringify(key)}\n`, { mode: 0o600, flag: 'wx' })
  renameSync(written, join(stateDir, KEY_FILE))
}

/** Null when there is none: no gateway was started with this state folder, or it was stopped. */
export function readKey(stateDir: string): AdminKey | null {
  try {
    return JSON.parse(readFileSync(join(stateDir, KEY_FILE), 'utf8')) as AdminKey
  } catch {
    return null
  }
}

/** The key of one run of a gateway. */
export class OwnKey {
  /** What is presented where the operator has chosen nothing. */
  readonly token = randomBytes(24).toString('base64url')
  #written: AdminKey | null = null
  #stateDir = ''

  /** Throws when the state folder takes no file. */
  write(stateDir: string, url: string, operatorsToken: string | null): void {
    const key = { url, token: operatorsToken === null ? this.token : null }
    if (this.#written !== null && this.#written.token === key.token) return
    // The folder of the start: another one takes a restart.
    if (this.#written === null) this.#stateDir = stateDir
    writeKey(this.#stateDir, key)
    this.#written = key
  }

  /** Unless another gateway's has taken its place. */
  remove(): void {
    if (this.#written === null || readKey(this.#stateDir)?.url !== this.#written.url) return
    rmSync(join(this.#stateDir, KEY_FILE), { force: true })
  }
}
