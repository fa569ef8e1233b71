import { expect, test } from 'vitest'
import { checkOptions } from '../../warmpool/check-options.ts'
import { DEFAULT_FUNCTION_SETTINGS, DEFAULT_POOL_SETTINGS } from '../../warmpool/settings.ts'

test('takes all that has a default, and a list of hosts', () => {
  expect(() => checkOptions(DEFAULT_POOL_SETTINGS, DEFAULT_FUNCTION_SETTINGS)).not.toThrow()
  expect(() => checkOptions({}, { network: ['api.example.com', '10.0.0.5:8080'] })).not.toThrow()
})

test('names every mistake', () => {
  const defaults = { maxInvocation: 1, env: 'A=1', maxWorkers: 0, isolation: ['process'] } as never
  expect(() => checkOptions({ blanks: -1 }, defaults)).toThrow(
    /^WarmPool cannot be made: blanks is -1.*; defaults\.maxInvocation is unknown.*; defaults\.env is "A=1".*; defaults\.maxWorkers is 0, and must be a number from 1; defaults\.isolation is \["process"\], and must be of type string$/,
  )
})
