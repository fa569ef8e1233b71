import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { isGivingBackDue } from '../../../warmpool/runtimes/node/give-back.ts'

const MODULE = new URL('../../../warmpool/runtimes/node/give-back.ts', import.meta.url).href

const RESTED = { idleForMs: 60_000, cpuMs: 1_000, givenBackAtCpuMs: 50 }

test('a worker that has worked and then did nothing for a minute gives back', () => {
  expect(isGivingBackDue(RESTED)).toBe(true)
})

test('a worker that worked less than a minute ago does not', () => {
  expect(isGivingBackDue({ ...RESTED, idleForMs: 59_999 })).toBe(false)
})

test('a worker that has given back does not do it again before it has worked again', () => {
  expect(isGivingBackDue({ ...RESTED, givenBackAtCpuMs: 990 })).toBe(false)
})

/** A process of its own: a test runner's heap is larger than what is looked through. */
function measured(script: string): { before: number; after: number } {
  const words = ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e']
  const { stdout } = spawnSync(process.execPath, [...words, script], { encoding: 'utf8' })
  return JSON.parse(stdout) as { before: number; after: number }
}

test('what nobody holds any longer is returned', () => {
  const { before, after } = measured(`
    import { giveBack } from '${MODULE}'
    globalThis.held = Array.from({ length: 200_000 }, (_, at) => [at])
    const before = process.memoryUsage().heapTotal
    delete globalThis.held
    giveBack()
    console.log(JSON.stringify({ before, after: process.memoryUsage().heapTotal }))`)
  expect(after).toBeLessThan(before / 2)
})
