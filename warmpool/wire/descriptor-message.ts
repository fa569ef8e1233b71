/**
 * Memory for one message over a unix socket that carries open files, laid out as `sendmsg` and `recvmsg` want it (`struct
 * msghdr`, `struct cmsghdr` of 64-bit Linux): some bytes, and descriptors that become the receiver's own.
 */
import { addressOf } from './c-library.ts'

const HEADER_BYTES = 56
const CONTROL_HEADER_BYTES = 16
const SOL_SOCKET = 1
const SCM_RIGHTS = 1
const DESCRIPTOR_BYTES = 4

export class DescriptorMessage {
  /** For the system call. */
  readonly header = Buffer.alloc(HEADER_BYTES)
  readonly #bytes: Buffer
  readonly #control: Buffer
  readonly #vector = Buffer.alloc(16)
  readonly #most: number

  /** @param most descriptors that it carries at most. */
  constructor(bytes: number, most: number) {
    this.#most = most
    this.#bytes = Buffer.alloc(bytes)
    this.#control = Buffer.alloc(CONTROL_HEADER_BYTES + most * DESCRIPTOR_BYTES)
    this.#vector.writeBigUInt64LE(addressOf(this.#bytes), 0)
  }

  /** To be sent. False: the text is too long. */
  write(text: string, descriptors: readonly number[]): boolean {
    const bytes = Buffer.byteLength(text)
    if (bytes > this.#bytes.length || descriptors.length > this.#most) return false
    this.#bytes.write(text)
    this.#control.writeBigUInt64LE(BigInt(CONTROL_HEADER_BYTES + descriptors.length * DESCRIPTOR_BYTES), 0)
    this.#control.writeUInt32LE(SOL_SOCKET, 8)
    this.#control.writeUInt32LE(SCM_RIGHTS, 12)
    for (const [at, descriptor] of descriptors.entries())
      this.#control.writeInt32LE(descriptor, CONTROL_HEADER_BYTES + at * DESCRIPTOR_BYTES)
    this.#expect(bytes, CONTROL_HEADER_BYTES + descriptors.length * DESCRIPTOR_BYTES)
    return true
  }

  /** Ready to receive. */
  clear(): void {
    this.#control.fill(0)
    this.#expect(this.#bytes.length, this.#control.length)
  }

  /** What was received, of so many bytes. */
  read(bytes: number): { readonly text: string; readonly descriptors: readonly number[] } {
    const controlBytes = Number(this.header.readBigUInt64LE(40))
    const count = Math.max(0, Math.floor((controlBytes - CONTROL_HEADER_BYTES) / DESCRIPTOR_BYTES))
    const descriptors = Array.from({ length: count }, (_, at) =>
      this.#control.readInt32LE(CONTROL_HEADER_BYTES + at * DESCRIPTOR_BYTES),
    )
    return { text: this.#bytes.toString('utf8', 0, bytes), descriptors }
  }

  #expect(bytes: number, controlBytes: number): void {
    this.#vector.writeBigUInt64LE(BigInt(bytes), 8)
    this.header.fill(0)
    this.header.writeBigUInt64LE(addressOf(this.#vector), 16)
    this.header.writeBigUInt64LE(1n, 24)
    this.header.writeBigUInt64LE(addressOf(this.#control), 32)
    this.header.writeBigUInt64LE(BigInt(controlBytes), 40)
  }
}
