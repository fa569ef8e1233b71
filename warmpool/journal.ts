/**
 * What a worker has begun, readable after its death. The worker writes a counter into an inherited file (fd 4) right
 * before each invocation reaches user code: one `pwrite`, which wakes nobody. When the process is gone, however it
 * went, invocations behind the counter are known never to have run and may be given to another worker. The file has
 * no name: it is unlinked while it is still empty.
 */
import { accessSync, closeSync, constants, openSync, readSync, unlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Memory where the system has it, so that counting never waits for a disk. */
const MEMORY = '/dev/shm'
const IS_IN_MEMORY = isWritable(MEMORY)
const FOLDER = IS_IN_MEMORY ? MEMORY : tmpdir()

const FLAGS = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL

let made = 0

export class Journal {
  /** To be inherited by the worker. */
  readonly fd: number
  /** Its file is fit for large bodies, too. */
  readonly isInMemory = IS_IN_MEMORY
  readonly #counter = Buffer.alloc(4)
  #isClosed = false

  constructor() {
    const path = join(FOLDER, `wrangler-free-${process.pid}-${made++}-${Math.random().toString(36).slice(2)}`)
    this.fd = openSync(path, FLAGS, 0o600)
    unlinkSync(path)
  }

  /** How many invocations the worker has begun (the low 32 bits). After closing: how many it had begun then. */
  begun(): number {
    if (!this.#isClosed) {
      this.#counter.fill(0)
      readSync(this.fd, this.#counter, 0, 4, 0)
    }
    return this.#counter.readUInt32LE(0)
  }

  close(): void {
    if (this.#isClosed) return
    // Whoever asks later must not hear that nothing was begun: it would be run twice.
    this.begun()
    this.#isClosed = true
    closeSync(this.fd)
  }
}

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK | constants.X_OK)
    return true
  } catch {
    return false
  }
}
