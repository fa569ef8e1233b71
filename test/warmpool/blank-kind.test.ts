import { describe, expect, test } from 'vitest'
import { kindAfter, kindFor } from '../../warmpool/blank-kind.ts'
import { taskSpec } from '../../warmpool/function-spec.ts'
import { DEFAULT_FUNCTION_SETTINGS, type FunctionSettings } from '../../warmpool/settings.ts'
import { canFork } from '../../warmpool/template/available.ts'

const SPEC = taskSpec('file:///task.mjs', DEFAULT_FUNCTION_SETTINGS)

function settings(written: Partial<FunctionSettings>): FunctionSettings {
  return { ...DEFAULT_FUNCTION_SETTINGS, ...written }
}

function isForked(written: Partial<FunctionSettings>, runtime = 'node'): boolean {
  return kindFor({ ...SPEC, runtime }, settings(written)).isForked
}

describe.skipIf(!canFork())('workers are forked', () => {
  test('where they live for 500 invocations at most', () => {
    expect([1, 500, 501, Number.POSITIVE_INFINITY].map((maxInvocations) => isForked({ maxInvocations }))).toEqual([
      true,
      true,
      false,
      false,
    ])
  })

  test('where that is said, and not where it is not wanted', () => {
    expect(isForked({ startBy: 'fork' })).toBe(true)
    expect(isForked({ startBy: 'boot', maxInvocations: 1 })).toBe(false)
  })

  test('in no other runtime than the one of this program, and in no sandbox', () => {
    for (const runtime of ['node@22', 'bun', 'deno', 'python'])
      expect(isForked({ startBy: 'fork' }, runtime), runtime).toBe(false)
    expect(isForked({ startBy: 'fork', isolation: 'sandbox' })).toBe(false)
  })

  test('or booted, as the settings change', () => {
    const before = settings({})
    const booted = kindFor(SPEC, before)
    const now = settings({ maxInvocations: 1 })
    const forked = kindAfter(booted, SPEC, before, now)
    expect([booted.isForked, forked.isForked]).toEqual([false, true])
    expect(kindAfter(forked, SPEC, now, before)).toEqual(booted)
  })
})

test('other numbers leave a kind what it is: its blanks are not started anew', () => {
  const before = settings({})
  const booted = kindFor(SPEC, before)
  expect(kindAfter(booted, SPEC, before, settings({ maxWorkers: 3 }))).toBe(booted)
  const sandboxed = settings({ isolation: 'sandbox' })
  const own = kindFor({ ...SPEC, runtime: 'deno' }, sandboxed)
  expect(kindAfter(own, { ...SPEC, runtime: 'deno' }, sandboxed, { ...sandboxed, maxWorkers: 3 })).toBe(own)
})
