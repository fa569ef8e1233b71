/**
 * Notices when a function has nothing left to do: no timer, no request, no open socket of its own. The channel to the
 * parent is what keeps a worker's event loop going, so while somebody waits here it does not count; the moment the loop
 * would end, it counts again. Calls and bodies arrive all the while. Leaving the loop and entering it again wakes other
 * threads and takes as long as a small call: whoever asks often is told without that, where libuv can be asked. A process
 * that was forked must never leave it: Node would wait there for what its threads are to do, and these were not forked.
 */
import type { Socket } from 'node:net'
import { programFunctions } from '../../wire/c-library.ts'
import { flushAfterThisRead } from '../../wire/frame-writer.ts'

const LIBUV = {
  uv_default_loop: { arguments: [], return: 'pointer' },
  uv_loop_alive: { arguments: ['pointer'], return: 'int32' },
} as const
/** From so many looks on, what it takes to ask libuv is worth it. */
const ASKED_FROM = 256
/** In a forked process: what ends behind a turn's last look is seen by the next one, after this at the latest. */
const LOOK_AGAIN_MS = 10

/** `unknown`: nothing is seen that keeps it going, and whoever waits is called soon. */
export type LoopState = 'empty' | 'busy' | 'unknown'

let channel: Socket | null = null
let waiting: (() => void)[] = []
let isListening = false
let looks = 0
let isAlive: (() => boolean) | null = null
let mayLeave = true
/** As many as were listed when the loop last was empty: some keep no loop going, such as a pipe that was printed to. */
let listedWhenEmpty = 0

/** To be called once, with the socket that alone keeps an idle worker from ending. */
export function loopIsKeptBy(socket: Socket): void {
  channel = socket
}

/** To be called once, in a process that was forked. */
export function neverLeaveLoop(): void {
  isAlive = askLibuv()
  if (isAlive === null) throw new Error('A forked process needs node:ffi')
  mayLeave = false
}

/**
 * Calls back once nothing else is under way. May come later than wanted, so whoever waits looks whether it still does, or
 * says by what this returns that it does not.
 */
export function whenLoopIsEmpty(callback: () => void): () => void {
  if (channel === null) return nothing
  if (waiting.push(callback) === 1) {
    if (mayLeave) listen(channel)
    else lookEachTurn()
  }
  return () => {
    waiting = waiting.filter((other) => other !== callback)
    if (waiting.length === 0) channel?.ref()
  }
}

function listen(channel: Socket): void {
  channel.unref()
  if (!isListening) process.on('beforeExit', onEmpty)
  isListening = true
}

/**
 * For those who wait, from a callback of setImmediate, when all else of the turn has run. Where the loop is found empty
 * they are called from in here.
 */
export function lookAtLoop(): LoopState {
  if (++looks === ASKED_FROM) isAlive = askLibuv()
  if (isAlive === null) return isSeenBusy() ? 'busy' : 'unknown'
  // The immediate that runs still counts, until another is taken back.
  setImmediate(nothing).unref()
  if (mayLeave ? isAlive() : isAliveBesidesChannel(isAlive)) return 'busy'
  onEmpty()
  return 'empty'
}

function isAliveBesidesChannel(isAlive: () => boolean): boolean {
  channel!.unref()
  const isBusy = isAlive()
  channel!.ref()
  return isBusy
}

/** As long as somebody waits. Neither of these two keeps the loop going. */
function lookEachTurn(): void {
  let hasLooked = false
  const atEndOfTurn = setImmediate(look).unref()
  const later = setTimeout(() => setImmediate(look), LOOK_AGAIN_MS).unref()
  function look(): void {
    if (hasLooked) return
    hasLooked = true
    clearImmediate(atEndOfTurn)
    clearTimeout(later)
    if (waiting.length > 0 && lookAtLoop() === 'busy') lookEachTurn()
  }
}

function askLibuv(): (() => boolean) | null {
  const functions = programFunctions(LIBUV)
  if (functions === null) return null
  const loop = functions.uv_default_loop() as bigint
  return () => functions.uv_loop_alive(loop) !== 0
}

/** Work of other threads is in no list (compression, keys from passwords): to see nothing is not to know. */
function isSeenBusy(): boolean {
  return process.getActiveResourcesInfo === undefined || listed() > listedWhenEmpty
}

function onEmpty(): void {
  if (waiting.length === 0) return
  if (isAlive === null) listedWhenEmpty = listed()
  channel!.ref()
  const callbacks = waiting
  waiting = []
  flushAfterThisRead()
  for (const callback of callbacks) callback()
}

function listed(): number {
  return process.getActiveResourcesInfo?.().length ?? 0
}

function nothing(): void {}
