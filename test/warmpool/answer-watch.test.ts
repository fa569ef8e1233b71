import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { AnswerWatch, Watched } from '../../warmpool/answer-watch.ts'
import { LONGEST_WATCH_MS } from '../../warmpool/policy/watching.ts'

/** Something keeps the loop from sleeping. */
function isAwake(): boolean {
  return process.getActiveResourcesInfo().includes('Immediate')
}

async function untilAsleep(): Promise<void> {
  while (isAwake()) await turn()
}

test('the loop stays awake until the answer', async () => {
  const watch = new AnswerWatch(2)
  const watched = new Watched()
  const call = { state: 'sent' }
  watch.handedOver(call, watched, performance.now() + 60_000)
  for (let turns = 0; turns < 100; turns++) {
    await turn()
    expect(isAwake()).toBe(true)
  }
  call.state = 'ended'
  await untilAsleep()
  expect(watched.toSkip).toBe(0)
})

test('the loop may sleep when its time is over, and the next call is passed over', async () => {
  const watch = new AnswerWatch(2)
  const watched = new Watched()
  const handedOverAtMs = performance.now()
  watch.handedOver({ state: 'sent' }, watched, handedOverAtMs)
  expect(isAwake()).toBe(true)
  await untilAsleep()
  // However late this test gets its turn: not before.
  expect(performance.now() - handedOverAtMs).toBeGreaterThanOrEqual(LONGEST_WATCH_MS)
  expect(watched.toSkip).toBe(1)
  watch.freed(1)
  watch.handedOver({ state: 'sent' }, watched, performance.now())
  expect(isAwake()).toBe(false)
  expect(watched.toSkip).toBe(0)
})

test('nothing is watched while workers may need all cores', async () => {
  const watch = new AnswerWatch(2)
  const watched = new Watched()
  const first = { state: 'sent' }
  watch.handedOver(first, watched, performance.now())
  first.state = 'ended'
  await untilAsleep()
  watch.handedOver({ state: 'sent' }, watched, performance.now())
  expect(isAwake()).toBe(false)
  watch.freed(2)
  watch.handedOver({ state: 'ended' }, watched, performance.now())
  expect(isAwake()).toBe(true)
  await untilAsleep()
})
