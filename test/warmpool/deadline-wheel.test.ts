import { createHook } from 'node:async_hooks'
import { execFileSync } from 'node:child_process'
import { describe, expect, test, vi } from 'vitest'
import { DeadlineWheel, type Expiring } from '../../warmpool/deadline-wheel.ts'
import { clock, RunningClock } from '../../warmpool/running-clock.ts'
import { numbers } from './wire/frames-by-hand.ts'

/** How far ahead of a deadline a round of the wheel reaches: one that far off lies in the same bucket. */
const ROUND_MS = 16 * 1024

class Item implements Expiring {
  expiresAtMs = 0
  wheelNext: Expiring | null = null
  wheelPrevious: Expiring | null = null
  /** The time that each firing was told, and the clock's own then. */
  readonly fired: { toldMs: number; realMs: number }[] = []
  readonly whenFired: Promise<void>
  readonly #resolve: () => void
  readonly #then: () => void

  constructor(then: () => void = () => {}) {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.whenFired = promise
    this.#resolve = resolve
    this.#then = then
  }

  onExpired(toldMs: number): void {
    this.fired.push({ toldMs, realMs: clock.now() })
    this.#then()
    this.#resolve()
  }
}

/** Sets a deadline behind all others and waits for it: whatever was due before it has fired then, or never will. */
async function passedBy(wheel: DeadlineWheel, afterMs: number): Promise<void> {
  const last = new Item()
  wheel.set(last, clock.now() + afterMs)
  await last.whenFired
}

test('thousands of deadlines each fire once, and none early', async () => {
  const wheel = new DeadlineWheel()
  const random = numbers(3)
  const startMs = clock.now()
  const items = Array.from({ length: 10_000 }, () => new Item())
  for (const item of items) wheel.set(item, startMs + random(500) + random(1000) / 1000)
  await passedBy(wheel, 600)
  for (const { fired, expiresAtMs } of items) {
    expect(fired).toHaveLength(1)
    expect(fired[0]!.toldMs).toBeGreaterThanOrEqual(expiresAtMs)
    expect(fired[0]!.realMs).toBeGreaterThanOrEqual(expiresAtMs)
  }
})

test('a deadline in the past, or now, fires, but not within set', async () => {
  const wheel = new DeadlineWheel()
  for (const expiresAtMs of [clock.now() - 10_000, clock.now(), 0, Number.NEGATIVE_INFINITY]) {
    const item = new Item()
    wheel.set(item, expiresAtMs)
    expect(item.fired).toHaveLength(0)
    await item.whenFired
  }
})

test('a deadline more than a round away does not fire with its bucket', async () => {
  const wheel = new DeadlineWheel()
  const near = new Item()
  const far = [1, 2, 1000].map((rounds) => ({ item: new Item(), rounds }))
  const expiresAtMs = clock.now() + 50
  for (const { item, rounds } of far) wheel.set(item, expiresAtMs + rounds * ROUND_MS)
  wheel.set(near, expiresAtMs)
  await near.whenFired
  await passedBy(wheel, 50)
  for (const { item } of far) {
    expect(item.fired).toHaveLength(0)
    wheel.clear(item)
  }
})

describe('clearing', () => {
  test('takes thousands back, in any order, and leaves the others', async () => {
    const wheel = new DeadlineWheel()
    const random = numbers(5)
    const items = Array.from({ length: 5000 }, () => new Item())
    for (const item of items) wheel.set(item, clock.now() + random(100))
    const cleared = new Set<Item>()
    for (const item of items) {
      const other = items[random(items.length)]!
      wheel.clear(other)
      cleared.add(other)
      expect(item.expiresAtMs).toBeGreaterThan(0)
    }
    await passedBy(wheel, 200)
    for (const item of items) expect(item.fired).toHaveLength(cleared.has(item) ? 0 : 1)
  })

  test('twice, without a deadline, or after it fired, does nothing', async () => {
    const wheel = new DeadlineWheel()
    const item = new Item()
    wheel.clear(item)
    wheel.set(item, clock.now())
    wheel.clear(item)
    wheel.clear(item)
    wheel.set(item, clock.now())
    await item.whenFired
    wheel.clear(item)
    await passedBy(wheel, 40)
    expect(item.fired).toHaveLength(1)
  })

  test('an Infinite one is harmless, since it was never set', async () => {
    const wheel = new DeadlineWheel()
    const item = new Item()
    wheel.set(item, Number.POSITIVE_INFINITY)
    wheel.clear(item)
    wheel.set(item, clock.now())
    await item.whenFired
  })
})

describe('in a callback', () => {
  test('another one of the same moment can be cleared', async () => {
    const wheel = new DeadlineWheel()
    const expiresAtMs = clock.now() + 20
    const victims = [new Item(), new Item()]
    const first = new Item(() => {
      for (const victim of victims) wheel.clear(victim)
    })
    for (const item of [victims[0]!, first, victims[1]!]) wheel.set(item, expiresAtMs)
    await passedBy(wheel, 60)
    expect(victims.map(({ fired }) => fired.length)).toEqual([1, 0])
  })

  test('another one of the same moment can be put off, and then does not fire early', async () => {
    const wheel = new DeadlineWheel()
    const expiresAtMs = clock.now() + 20
    const putOff = new Item()
    const first = new Item(() => {
      wheel.clear(putOff)
      wheel.set(putOff, expiresAtMs + 200)
    })
    wheel.set(first, expiresAtMs)
    wheel.set(putOff, expiresAtMs)
    await putOff.whenFired
    expect(putOff.fired).toHaveLength(1)
    expect(putOff.fired[0]!.realMs).toBeGreaterThanOrEqual(expiresAtMs + 200)
  })

  test('another one can be put off into the next round of the same bucket', async () => {
    const wheel = new DeadlineWheel()
    const expiresAtMs = clock.now() + 20
    const putOff = new Item()
    const first = new Item(() => {
      wheel.clear(putOff)
      wheel.set(putOff, expiresAtMs + ROUND_MS)
    })
    wheel.set(first, expiresAtMs)
    wheel.set(putOff, expiresAtMs)
    await first.whenFired
    await passedBy(wheel, 40)
    expect(putOff.fired).toHaveLength(0)
    wheel.clear(putOff)
  })

  test('the one that fired can be set again, over and over', async () => {
    const wheel = new DeadlineWheel()
    const { promise, resolve } = Promise.withResolvers<void>()
    const item = new Item(() => {
      if (item.fired.length < 20) wheel.set(item, clock.now())
      else resolve()
    })
    wheel.set(item, clock.now())
    await promise
    await passedBy(wheel, 40)
    expect(item.fired).toHaveLength(20)
  })

  test('new ones can be set by the hundred', async () => {
    const wheel = new DeadlineWheel()
    const children: Item[] = []
    const parents = Array.from({ length: 100 }, (_, at) => {
      return new Item(() => {
        const child = new Item()
        children.push(child)
        wheel.set(child, clock.now() + (at % 40))
      })
    })
    for (const parent of parents) wheel.set(parent, clock.now() + 10)
    await Promise.all(parents.map(({ whenFired }) => whenFired))
    await passedBy(wheel, 100)
    expect(children.map(({ fired }) => fired.length)).toEqual(parents.map(() => 1))
  })
})

describe('after a pause of the whole process', () => {
  test('what fell due in it has its time all the same, and then fires', async () => {
    const wheel = new DeadlineWheel()
    const startMs = clock.now()
    const due = Array.from({ length: 300 }, () => new Item())
    const later = new Item()
    for (const [at, item] of due.entries()) wheel.set(item, startMs + at)
    wheel.set(later, startMs + 60_000)
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 400)
    expect(clock.now() - startMs).toBeLessThan(400)
    await passedBy(wheel, 320)
    expect(due.every(({ fired }) => fired.length === 1)).toBe(true)
    expect(later.fired).toHaveLength(0)
    wheel.clear(later)
  })

  test.each([ROUND_MS - 16, ROUND_MS, ROUND_MS + 16, 3_600_000])(
    'of %i ms nothing is late, and nothing is lost',
    async (jumpMs) => {
      let stoppedMs = 0
      const stopped = new RunningClock(() => performance.now() + stoppedMs)
      const wheel = new DeadlineWheel(stopped)
      const startMs = stopped.now()
      const items = Array.from({ length: 1024 }, (_, at) => ({ item: new Item(), dueMs: startMs + 100 + at / 4 }))
      for (const { item, dueMs } of items) wheel.set(item, dueMs)
      // A stopped process (SIGSTOP) sees just this: the next tick comes, and the clock is elsewhere.
      stoppedMs = jumpMs
      await Promise.all(items.map(({ item }) => item.whenFired))
      for (const { item, dueMs } of items) {
        expect(item.fired).toHaveLength(1)
        expect(item.fired[0]!.toldMs).toBeGreaterThanOrEqual(dueMs)
        expect(item.fired[0]!.toldMs).toBeLessThan(startMs + jumpMs)
      }
    },
  )
})

describe('the interval behind it', () => {
  test('rests when nothing was set for a while, and starts again', async () => {
    const timers = watchTimers()
    const wheel = new DeadlineWheel()
    expect(timers.alive()).toBe(0)
    await passedBy(wheel, 0)
    expect(timers.alive()).toBe(1)
    await vi.waitUntil(() => timers.alive() === 0, { timeout: 50_000, interval: 20 })
    await passedBy(wheel, 30)
    expect(timers.alive()).toBe(1)
    timers.stop()
  })

  test('holds no process open', () => {
    const url = new URL('../../warmpool/deadline-wheel.ts', import.meta.url).href
    const script = `
      import { DeadlineWheel } from ${JSON.stringify(url)}
      new DeadlineWheel().set({ wheelNext: null, wheelPrevious: null, onExpired() {} }, performance.now() + 3_600_000)
      process.on('exit', () => console.log('left by itself'))`
    const out = execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })
    expect(out).toBe('left by itself\n')
  })
})

/** Counts the intervals of 16 ms that are begun from here on. */
function watchTimers() {
  const alive = new Set<number>()
  const hook = createHook({
    init(id, type, _trigger, resource) {
      if (type === 'Timeout' && (resource as { _repeat?: number | null })._repeat === 16) alive.add(id)
    },
    destroy(id) {
      alive.delete(id)
    },
  }).enable()
  return { alive: () => alive.size, stop: () => hook.disable() }
}
