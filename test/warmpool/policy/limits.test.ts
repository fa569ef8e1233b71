import { expect, test } from 'vitest'
import { describeExcess, EXCESSES, excessOf, type LimitedUsage } from '../../../warmpool/policy/limits.ts'
import { DEFAULT_FUNCTION_SETTINGS, memoryLimitBytes } from '../../../warmpool/settings.ts'

const LIMITS = {
  ...DEFAULT_FUNCTION_SETTINGS.limits,
  memoryBytes: 1000,
  processes: 10,
  cpuTimeMs: 100,
  diskBytes: 2000,
}
const AT_ALL_LIMITS: LimitedUsage = {
  rssBytes: 1000,
  processes: 10,
  cpuMs: 100,
  diskBytes: 2000,
  isOutOfMemory: false,
  isOutOfProcesses: false,
}

test('what may be used may be used up', () => {
  expect(excessOf(AT_ALL_LIMITS, LIMITS)).toBe(null)
})

test.each([
  [{ rssBytes: 1001 }, 'out-of-memory'],
  [{ isOutOfMemory: true }, 'out-of-memory'],
  [{ processes: 11 }, 'too-many-processes'],
  [{ processes: 11, rssBytes: 1001 }, 'too-many-processes'],
  [{ isOutOfProcesses: true }, 'too-many-processes'],
  [{ cpuMs: 101 }, 'out-of-cpu-time'],
  [{ diskBytes: 2001 }, 'out-of-disk'],
])('more than that is told as what it is: %o', (more, excess) => {
  expect(excessOf({ ...AT_ALL_LIMITS, ...more }, LIMITS)).toBe(excess)
})

test('each has words for people', () => {
  expect(new Set(EXCESSES.map((excess) => describeExcess(excess, LIMITS))).size).toBe(EXCESSES.length)
})

test('the limit of memory leaves room above what a worker is recycled at', () => {
  const MiB = 1024 * 1024
  expect(memoryLimitBytes(10 * MiB)).toBe(1024 * MiB)
  expect(memoryLimitBytes(2048 * MiB)).toBe(4096 * MiB)
  expect(memoryLimitBytes(Number.POSITIVE_INFINITY)).toBe(Number.POSITIVE_INFINITY)
})
