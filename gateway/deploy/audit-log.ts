/**
 * Who changed what, as lines of JSON in `<stateDir>/deploy/audit.jsonl`. Each line is on the disk before whoever asked is told
 * that it was done. A full file becomes `audit.1.jsonl`, and so on; the oldest goes.
 */
import { type FileHandle, mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { InTurn } from './in-turn.ts'

export interface AuditEvent {
  /** Name of a token, `admin` for the gateway's own, or `gateway` for what it decided itself. */
  readonly by: string
  readonly what: string
  /** Null: it is about no function. */
  readonly function: string | null
  /** Versions. */
  readonly from: number | null
  readonly to: number | null
  readonly why?: string
}

export interface AuditLine extends AuditEvent {
  readonly at: string
}

const MAX_BYTES = 4 * 1024 * 1024
const KEPT_FILES = 5
/** A function says why it does not load: it is not to push what others did out of the log. */
const MAX_WHY_CHARS = 500

export class AuditLog {
  readonly #dir: string
  readonly #maxBytes: number
  readonly #turns = new InTurn()

  constructor(stateDir: string, maxBytes = MAX_BYTES) {
    this.#dir = join(stateDir, 'deploy')
    this.#maxBytes = maxBytes
  }

  append(event: AuditEvent): Promise<void> {
    return this.#turns.take('', async () => {
      const { why } = event
      const told = why === undefined ? event : { ...event, why: why.slice(0, MAX_WHY_CHARS) }
      const line = `${JSON.stringify({ at: new Date().toISOString(), ...told })}\n`
      await mkdir(this.#dir, { recursive: true })
      await this.#rotate(Buffer.byteLength(line))
      const file = await open(this.#path(0), 'a+', 0o600)
      try {
        // What was begun before a kill or on a full disk ends here, so that it does not take this line with it.
        await file.writeFile((await endsAmidLine(file)) ? `\n${line}` : line)
        await file.sync()
      } finally {
        await file.close()
      }
    })
  }

  /** The newest, the last first. */
  async read(count: number): Promise<AuditLine[]> {
    const lines: AuditLine[] = []
    for (let at = 0; at < KEPT_FILES && lines.length < count; at++) {
      const text = await readFile(this.#path(at), 'utf8').catch(() => '')
      lines.push(...text.split('\n').flatMap(parsed).reverse())
    }
    return lines.slice(0, count)
  }

  async #rotate(bytes: number): Promise<void> {
    const { size } = await stat(this.#path(0)).catch(() => ({ size: 0 }))
    if (size === 0 || size + bytes <= this.#maxBytes) return
    await rm(this.#path(KEPT_FILES - 1), { force: true })
    for (let at = KEPT_FILES - 2; at >= 0; at--) await rename(this.#path(at), this.#path(at + 1)).catch(() => {})
  }

  #path(at: number): string {
    return join(this.#dir, at === 0 ? 'audit.jsonl' : `audit.${at}.jsonl`)
  }
}

async function endsAmidLine(file: FileHandle): Promise<boolean> {
  const { size } = await file.stat()
  if (size === 0) return false
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, size - 1)
  return buffer.toString('latin1') !== '\n'
}

/** A line may be half of one: who wrote it was killed, or the disk was full. */
function parsed(line: string): AuditLine[] {
  try {
    return line === '' ? [] : [JSON.parse(line) as AuditLine]
  } catch {
    return []
  }
}
