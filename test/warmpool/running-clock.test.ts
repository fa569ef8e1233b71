/** Running time: what passes while this process stands still does not count, and a deadline first reads what has come. */
import { once } from 'node:events'
import { createServer, type Socket, connect as tcpConnect } from 'node:net'
import { expect, test } from 'vitest'
import { Deadline, RunningClock } from '../../warmpool/running-clock.ts'

/** A clock of whose real time the test disposes. */
function steered() {
  let realMs = 1000
  const clock = new RunningClock(() => realMs)
  return {
    clock,
    /** The event loop turns after so long. */
    turn(afterMs: number): number {
      realMs += afterMs
      return clock.now()
    },
  }
}

/** This thread does nothing for so long. */
function standStill(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

test('time passes while the loop turns', () => {
  const { clock, turn } = steered()
  clock.hold()
  expect(turn(50)).toBe(1050)
  expect(turn(140)).toBe(1190)
  clock.release()
})

test('a stall does not count while somebody judges by the clock', () => {
  const { clock, turn } = steered()
  clock.hold()
  turn(50)
  expect(turn(4000)).toBe(1050)
  expect(turn(50)).toBe(1100)
  clock.release()
})

test('a quiet time counts: nobody judged by the clock', () => {
  const { clock, turn } = steered()
  expect(turn(4000)).toBe(5000)
  turn(4000)
  clock.hold()
  expect(turn(0)).toBe(9000)
  clock.release()
  expect(turn(4000)).toBe(13_000)
})

test('a stall that ends with the last release does not count either', () => {
  const { clock, turn } = steered()
  clock.hold()
  clock.hold()
  clock.release()
  expect(turn(4000)).toBe(1000)
  clock.release()
  expect(turn(100)).toBe(1100)
})

test('the time never goes back', () => {
  const { clock, turn } = steered()
  clock.hold()
  let lastMs = 0
  for (const afterMs of [0, 10, 149, 150, 151, 3000, 0, 1, 160, 20]) {
    const nowMs = turn(afterMs)
    expect(nowMs).toBeGreaterThanOrEqual(lastMs)
    lastMs = nowMs
  }
  clock.release()
})

test('a deadline is not missed by a stall', async () => {
  const clock = new RunningClock()
  const startedMs = performance.now()
  const deadline = Promise.withResolvers<number>()
  new Deadline(100, () => deadline.resolve(performance.now()), clock)
  standStill(400)
  // All of its time is still to come: none of it lay before the stall.
  expect((await deadline.promise) - startedMs).toBeGreaterThanOrEqual(500)
})

test('a deadline reads what has arrived before it is missed', async () => {
  const server = createServer((socket) => socket.write('in time'))
  server.listen(0)
  await once(server, 'listening')
  const socket: Socket = tcpConnect((server.address() as { port: number }).port)
  await once(socket, 'connect')
  let isMissed = false
  // Shorter than a stall, so that it is due when the loop turns again.
  const deadline = new Deadline(20, () => (isMissed = true), new RunningClock())
  const read = once(socket, 'data').then(() => deadline.clear())
  // The server writes in another turn than that in which this one sleeps.
  await new Promise(setImmediate)
  standStill(100)
  await read
  await new Promise((resolve) => setTimeout(resolve))
  expect(isMissed).toBe(false)
  socket.destroy()
  server.close()
})

test('clearing a deadline twice lets the clock go once', () => {
  const { clock, turn } = steered()
  clock.hold()
  const deadline = new Deadline(1000, () => {}, clock)
  deadline.clear()
  deadline.clear()
  expect(turn(4000)).toBe(1000)
  clock.release()
})
