import { setTimeout as pause } from 'node:timers/promises'

/** A task that takes its time and no CPU. */
export default async function nap(ms: number): Promise<number> {
  await pause(ms)
  return ms
}
