/**
 * What a worker has begun, readable after its death, and the memory that is shared with it for large payloads. The
 * worker writes a counter into an inherited file (fd 4) right before each invocation reaches user code, which wakes
 * nobody. When the process is gone, however it went, invocations behind the counter are known never to have run and may be
 * given to another worker. Once a worker has been sent so much that it pays, the file is mapped into this process.
 */
import { closeSync, readSync } from 'node:fs'
import { type MemoryFile, openMemoryFile } from './memory-file.ts'
import { type RingWriter, SHARED_FILE_BYTES } from './wire/body-ring.ts'
import { type MappedFile, mapFile } from './wire/c-library.ts'

/** So many large payloads save as much time as mapping takes. */
const MAPPED_FROM = 16

export class Journal {
  /** To be inherited by the worker. */
  readonly fd: number
  readonly #file: MemoryFile
  readonly #counter = Buffer.alloc(4)
  #mapped: MappedFile | null | undefined
  #isClosed = false

  constructor(file = openMemoryFile(SHARED_FILE_BYTES)) {
    this.#file = file
    this.fd = file.fd
  }

  /** Its file is fit for large payloads, too. */
  get isInMemory(): boolean {
    return this.#file.isInMemory
  }

  /** How many invocations the worker has begun (the low 32 bits). After closing: how many it had begun then. */
  begun(): number {
    if (!this.#isClosed) {
      this.#counter.fill(0)
      readSync(this.fd, this.#counter, 0, 4, 0)
    }
    return this.#counter.readUInt32LE(0)
  }

  /** Lets a ring that is used much have the file in memory. Of a file that its worker could shorten it never does. */
  mapWhenUsed(ring: RingWriter): void {
    if (this.#mapped !== undefined || ring.puts < MAPPED_FROM) return
    this.#mapped = this.#file.isSealed ? mapFile(this.fd, SHARED_FILE_BYTES) : null
    ring.mapped = this.#mapped?.memory ?? null
  }

  /** No ring may be used afterwards. */
  close(): void {
    if (this.#isClosed) return
    // Whoever asks later must not hear that nothing was begun: it would be run twice.
    this.begun()
    this.#isClosed = true
    this.#mapped?.unmap()
    closeSync(this.fd)
  }
}
