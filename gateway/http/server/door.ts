/**
 * Who comes in when all places are taken. A connection on which no request has come, or none for a while, gives its place
 * to a new one; where there is none such, the new one is told so and closed. So whoever only opens connections, or keeps
 * them, keeps nobody out; who uses one keeps it; and what is turned away holds few descriptors, and not for long.
 */
import type { Socket } from 'node:net'
import type { Connection } from './connection.ts'
import { type Handle, readIntoSharedBuffer } from './shared-read.ts'

/** Of so many connections at most is it asked whether they give way: each new one is to cost little. */
const MOST_ASKED = 32
/** Those that are told so and may read it. More are closed without a word. */
const MOST_BEING_TOLD = 32
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
  readonly #beingTold = new Set<Socket>()

  /** `answer`: a whole response. It would be lost if the connection were closed before its caller has sent all. */
  add(accepted: Handle | Socket, answer: string): void {
    this.count++
    const socket = readIntoSharedBuffer(accepted, () => {})
    socket.on('error', () => {})
    if (this.#beingTold.size >= MOST_BEING_TOLD) return void socket.destroy()
    this.#beingTold.add(socket)
    const tooLong = setTimeout(() => socket.destroy(), TOLD_MS)
    socket.on('close', () => {
      clearTimeout(tooLong)
      this.#beingTold.delete(socket)
    })
    socket.on('end', () => socket.destroySoon())
    socket.resume()
    socket.end(answer, 'latin1')
  }

  cut(): void {
    for (const socket of this.#beingTold) socket.destroy()
  }
}
