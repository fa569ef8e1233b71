/** One TCP connection spoken to byte by byte, for what no well-behaved client would send or notice. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

export interface RawResponse {
  readonly status: number
  /** Lower-case names; several of a name are joined by newlines. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export class RawConnection {
  readonly socket: Socket
  /** Everything that came and was not taken, a character a byte. */
  #received = ''
  #isClosed = false
  #wake: () => void = () => {}

  private constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', (chunk: Buffer) => {
      this.#received += chunk.toString('latin1')
      this.#wake()
    })
    // A reset is one way of being closed.
    socket.on('error', () => {})
    socket.on('close', () => {
      this.#isClosed = true
      this.#wake()
    })
  }

  static async open(address: string): Promise<RawConnection> {
    const { hostname, port } = new URL(address)
    const socket = connect({ host: hostname, port: Number(port), noDelay: true })
    await once(socket, 'connect')
    return new RawConnection(socket)
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Text is sent a byte a character. */
  send(data: string | Uint8Array): this {
    this.socket.write(typeof data === 'string' ? Buffer.from(data, 'latin1') : data)
    return this
  }

  /** Takes what came up to and with `text`, waiting for it. Throws when the other side closes before. */
  async until(text: string): Promise<string> {
    let at = this.#received.indexOf(text)
    while (at < 0) {
      if (this.#isClosed) throw new Error(`Closed before ${JSON.stringify(text)}: ${JSON.stringify(this.#received)}`)
      await this.#more()
      at = this.#received.indexOf(text)
    }
    return this.#take(at + text.length)
  }

  /** The next whole response. `isToHead`: it has no body whatever it says. */
  async response(isToHead = false): Promise<RawResponse> {
    const head = (await this.until('\r\n\r\n')).split('\r\n')
    const status = Number(head[0]!.split(' ')[1])
    const headers: Record<string, string> = {}
    for (const line of head.slice(1, -2)) {
      const at = line.indexOf(':')
      const name = line.slice(0, at).toLowerCase()
      const value = line.slice(at + 1).trim()
      headers[name] = headers[name] === undefined ? value : `${headers[name]}\n${value}`
    }
    const hasNone = isToHead || status < 200 || status === 204 || status === 304
    return { status, headers, body: hasNone ? '' : await this.#body(headers) }
  }

  /** Everything that is left, once the other side has closed. */
  async rest(): Promise<string> {
    while (!this.#isClosed) await this.#more()
    return this.#take(this.#received.length)
  }

  close(): void {
    this.socket.destroy()
  }

  async #body(headers: Readonly<Record<string, string>>): Promise<string> {
    if (headers['transfer-encoding'] === 'chunked') return this.#chunks()
    if (headers['content-length'] === undefined) return this.rest()
    return this.#exactly(Number(headers['content-length']))
  }

  async #chunks(): Promise<string> {
    let body = ''
    for (;;) {
      const size = Number.parseInt(await this.until('\r\n'), 16)
      body += await this.#exactly(size)
      await this.until('\r\n')
      if (size === 0) return body
    }
  }

  async #exactly(length: number): Promise<string> {
    while (this.#received.length < length) {
      if (this.#isClosed) throw new Error(`Closed after ${this.#received.length} of ${length} bytes`)
      await this.#more()
    }
    return this.#take(length)
  }

  #take(length: number): string {
    const taken = this.#received.slice(0, length)
    this.#received = this.#received.slice(length)
    return taken
  }

  #more(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }
}
