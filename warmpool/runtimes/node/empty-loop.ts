/**
 * Notices when a function has nothing left to do: no timer, no request, no open socket of its own. The channel to the
 * parent is what keeps a worker's event loop going, so while somebody waits here it does not count; the moment the loop
 * would end, it counts again. Calls and bodies arrive all the while.
 */
import type { Socket } from 'node:net'

let channel: Socket | null = null
let waiting: (() => void)[] = []

/** To be called once, with the socket that alone keeps an idle worker from ending. */
export function loopIsKeptBy(socket: Socket): void {
  channel = socket
}

/** Calls back once nothing else is under way. May come later than wanted, so whoever waits looks whether it still does. */
export function whenLoopIsEmpty(callback: () => void): void {
  if (channel === null) return
  if (waiting.push(callback) > 1) return
  channel.unref()
  process.once('beforeExit', onEmpty)
}

function onEmpty(): void {
  channel!.ref()
  const callbacks = waiting
  waiting = []
  for (const callback of callbacks) callback()
}
