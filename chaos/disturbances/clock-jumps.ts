/**
 * The gateway's clock jumps by hours, years or back to 1970: no deadline, no idle time and no age may follow it. What
 * is moved is `Date` inside the gateway's process (lib/inside-gateway.ts), and the Date of an answer proves that it is.
 */
import { setTimeout as pause } from 'node:timers/promises'
import type { Disturbance } from '../disturbance.ts'

const HOUR_MS = 3_600_000
const YEAR_MS = 365 * 24 * HOUR_MS
const JUMPS_MS = [HOUR_MS, -HOUR_MS, 10 * YEAR_MS, -10 * YEAR_MS, -Date.now()]

export const clockJumps: Disturbance = {
  name: 'clock-jumps',
  does: 'the clock of the gateway jumps by hours and years, forth and back',
  async strike(scene, random) {
    const jumpMs = random.pick(JUMPS_MS)
    await scene.shiftClock(jumpMs)
    try {
      await scene.until('answers carry the moved date', async () => {
        const { headers } = await scene.ask('/hello')
        return Math.abs(Date.parse(String(headers.date)) - (Date.now() + jumpMs)) < 60_000
      })
      // Time for deadlines to be looked at, which happens several times a second.
      await pause(random.between(500, 1_500))
    } finally {
      await scene.shiftClock(0)
    }
    return `moved it by ${Math.round(jumpMs / HOUR_MS)} h and back`
  },
}
