/**
 * Who comes in when all places are taken. A connection on which no request has come, or none for a while, gives its place
 * to a new one; where there is none such, the new one is told so and closed. So whoever only opens connections, or keeps
 * them, keeps nobody out; who uses one keeps it; and what is turned away holds few descriptors, and not for long.
 */
import type { Socket } from 'node:net'
import { Deadline } from '../../../warmpool/index.ts'
import type { Connection } from './connection.ts'
import { type Handle, readIntoSharedBuffer } from './shared-read.ts'

/** Of so many connections at most is it asked whether they give way: each new one is to cost little. */
const MOST_ASKED = 32
/** So many that are told so are waited for until they have read it. */
const MOST_BEING_TOLD = 64
const TOLD_MS = 1_000

/** Oldest first. Those that stay are asked last the next time. */
export function makeRoom(connections: Set<Connection>, nowMs: number): boolean {
  let asked = 0
  for (const connection of connections) {
    if (connection.giveWay(nowMs)) return connections.delete(connection)
    connections.delete(connection)
    connections.add(connection)
    if (++asked === MOST_ASKED) return false
  }
  return false
}

/** Those that find no place. */
export class TurnedAway {
  count = 0
  /** Oldest first. True: its request has come, so that closing it takes nothing out of its caller's hands. */
  readonly #beingTold = new Map<Socket, boolean>()

  /** `answer`: a whole response. It may be lost where the connection is closed before its caller has sent its request. */
  add(accepted: Handle | Socket, answer: string): void {
    this.count++
    const socket = readIntoSharedBuffer(accepted, () => void this.#beingTold.set(socket, true))
    socket.on('error', () => {})
    const tooLong = new Deadline(TOLD_MS, () => socket.destroy())
    socket.on('close', () => {
      tooLong.clear()
      this.#beingTold.delete(socket)
    })
    socket.on('end', () => socket.destroySoon())
    if (this.#beingTold.size >= MOST_BEING_TOLD && !this.#makeRoom()) closeSoon(socket)
    this.#beingTold.set(socket, false)
    socket.resume()
    socket.end(answer, 'latin1')
  }

  cut(): void {
    for (const socket of this.#beingTold.keys()) socket.destroy()
  }

  #makeRoom(): boolean {
    for (const [socket, isHeard] of this.#beingTold) {
      if (!isHeard || socket.writableLength > 0) continue
      this.#beingTold.delete(socket)
      socket.destroy()
      return true
    }
    return false
  }
}

/** In the turn after the next: what has come is read by then, and what is written is sent. */
function closeSoon(socket: Socket): void {
  setImmediate(() => setImmediate(() => socket.destroy()))
}
