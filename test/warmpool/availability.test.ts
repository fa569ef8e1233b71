import { expect, it } from 'vitest'
import { Availability } from '../../warmpool/availability.ts'

it('pauses starts with the first load that fails', () => {
  const availability = new Availability()
  availability.onLoadFailed('thrown', null, 0)
  expect(availability.failure(1)?.code).toBe('init-failed')
})

it('tries again at once where a load fails after one that went well, and pauses when that fails, too', () => {
  const availability = new Availability()
  availability.onLoaded()
  availability.onLoadFailed('thrown', null, 0)
  expect(availability.failure(1)).toBeNull()
  availability.onLoadFailed('thrown', null, 2)
  expect(availability.failure(3)?.code).toBe('init-failed')
  availability.onLoaded()
  expect(availability.failure(4)).toBeNull()
})
