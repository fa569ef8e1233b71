/**
 * The public server: accepts connections, looks after their deadlines, and closes without cutting off a request that
 * was sent. It speaks HTTP/1.1 itself, over node:net: node:http costs a third of a warm call (docs/performance.md), and
 * cannot be told where it is too lenient.
 */
import { createServer, type Server, type Socket } from 'node:net'
import { clock } from '../../../warmpool/index.ts'
import type { ProblemCode } from '../problem.ts'
import { Connection, type ConnectionHost } from './connection.ts'
import type { HttpLimits } from './deadlines.ts'
import { makeRoom, TurnedAway } from './door.ts'
import type { Exchange, GivenUp } from './exchange.ts'
import { type Handle, takeHandles } from './shared-read.ts'

export interface HttpServerOwner {
  onRequest(exchange: Exchange): void
  onUnreadable(exchange: Exchange, code: ProblemCode, detail: string): void
  /** There are as many connections as may be. Returns the response for one more. */
  onTurnedAway(): string
}

export interface ConnectionCounts {
  readonly open: number
  /** null: as many as the system lets. */
  readonly max: number | null
  /** Since the start. */
  readonly turnedAway: number
}

/** How often connections are looked at: deadlines are kept to twice this. */
const LOOK_MS = 200
/** While closing, how often connections are looked at that have become idle. */
const CLOSE_IDLE_MS = 50

export class HttpServer implements ConnectionHost {
  readonly net: Server
  isClosing = false
  keepAliveFields = ''
  readonly #owner: HttpServerOwner
  readonly #connections = new Set<Connection>()
  /** Called when the last connection is gone. */
  #onNone: () => void = () => {}
  readonly #turnedAway = new TurnedAway()
  #limits!: HttpLimits
  #looks: NodeJS.Timeout | null = null

  constructor(owner: HttpServerOwner, limits: HttpLimits) {
    this.#owner = owner
    this.limits = limits
    // Half-open, so that a caller's end is noticed here and not answered by the socket.
    const options = { allowHalfOpen: true, noDelay: true, pauseOnConnect: true, highWaterMark: 64 * 1024 }
    const open = (accepted: Handle | Socket): void => this.#open(accepted)
    this.net = createServer(options, open)
    this.net.on('listening', () => takeHandles(this.net, open))
  }

  get limits(): HttpLimits {
    return this.#limits
  }

  /** Hold for what is waited for from now on. */
  set limits(limits: HttpLimits) {
    this.#limits = limits
    // Never left out: clients that are told nothing keep a connection for seconds, and lose the request that they send on
    // it when it closes. Those that leave a second's margin, as Node's do, do not use one of the shortest again.
    const seconds = Math.max(1, Math.floor(limits.keepAliveTimeoutMs / 1000))
    this.keepAliveFields = `connection: keep-alive\r\nkeep-alive: timeout=${seconds}\r\n`
  }

  get counts(): ConnectionCounts {
    const { connections: max } = this.#limits
    const turnedAway = this.#turnedAway.count
    return { open: this.#connections.size, max: Number.isFinite(max) ? max : null, turnedAway }
  }

  /** Takes no new connections. Those there are go on, each up to its next answer. */
  beginClosing(): void {
    this.isClosing = true
    this.net.close()
  }

  /** Closes the connections that have no request; resolves when none is left. */
  async closeIdle(): Promise<void> {
    const end = (): void => {
      for (const connection of this.#connections) connection.closeIfIdle()
    }
    const again = setInterval(end, CLOSE_IDLE_MS)
    end()
    if (this.#connections.size > 0) await new Promise<void>((resolve) => (this.#onNone = resolve))
    clearInterval(again)
  }

  /** Answers every request that has no answer, with the owner's refusal, and ends every stream. Connections stay. */
  giveUp(detail: string): Record<GivenUp, number> {
    const count = { refused: 0, ended: 0, cut: 0 }
    for (const connection of this.#connections) connection.giveUp(detail, count)
    return count
  }

  /** Ends every connection at once. */
  cut(): void {
    for (const connection of this.#connections) connection.destroy()
    this.#turnedAway.cut()
  }

  onRequest(exchange: Exchange): void {
    this.#owner.onRequest(exchange)
  }

  onUnreadable(exchange: Exchange, code: ProblemCode, detail: string): void {
    this.#owner.onUnreadable(exchange, code, detail)
  }

  onClosed(connection: Connection): void {
    this.#connections.delete(connection)
    if (this.#connections.size === 0) this.#onNone()
  }

  #open(accepted: Handle | Socket): void {
    if (this.#connections.size >= this.#limits.connections && !makeRoom(this.#connections, clock.now()))
      return this.#turnedAway.add(accepted, this.#owner.onTurnedAway())
    this.#connections.add(new Connection(accepted, this))
    if (this.#looks === null) this.#beginLooking()
  }

  #beginLooking(): void {
    clock.hold()
    // Timers come before sockets in a turn of the loop, and immediates after them: what has arrived is read first.
    this.#looks = setInterval(() => setImmediate(this.#onLook), LOOK_MS).unref()
  }

  readonly #onLook = (): void => {
    if (this.#looks === null) return
    const nowMs = clock.now()
    for (const connection of this.#connections) connection.look(nowMs)
    // Not with the last connection: many come one by one.
    if (this.#connections.size > 0) return
    clearInterval(this.#looks)
    this.#looks = null
    clock.release()
  }
}
