import { execFileSync } from 'node:child_process'
import { expect, it } from 'vitest'
import { connectionLimit, openFilesLimit } from '../../../gateway/http/connection-limit.ts'

it.each([
  [20_000, 64, 19_456],
  [1024, 64, 512],
  [1024, 16, 768],
  [256, 64, 128],
])('of %i descriptors, with %i workers, %i are for callers', (openFiles, maxWorkers, expected) => {
  expect(connectionLimit(openFiles, maxWorkers, 0)).toBe(expected)
})

it('is none where nothing is known of the machine', () => {
  expect(connectionLimit(null, 64, 0)).toBe(Number.POSITIVE_INFINITY)
})

it('goes by what this process may have', () => {
  expect(openFilesLimit()).toBe(Number(execFileSync('/bin/sh', ['-c', 'ulimit -n'], { encoding: 'utf8' })))
})
