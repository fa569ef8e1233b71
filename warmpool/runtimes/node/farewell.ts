/**
 * What is to be done before this process ends by itself, once every call has been answered: the runtime's own clean-up,
 * then the function's listeners for SIGTERM. The parent waits for some seconds; what takes longer is cut off.
 */
import { whenLoopIsEmpty } from './empty-loop.ts'

type Farewell = () => Promise<unknown>

let farewell: Farewell | null = null

/** There is one at most: whoever keeps something running beside this process. */
export function beforeLeaving(task: Farewell): void {
  farewell = task
}

export async function sayFarewell(): Promise<void> {
  await farewell?.()
  const listeners = process.rawListeners('SIGTERM')
  if (listeners.length > 0) await listenersAreDone(listeners)
}

/** Waits for promises that they return; for the others until nothing is under way. They may exit by themselves. */
async function listenersAreDone(listeners: readonly unknown[]): Promise<void> {
  process.removeAllListeners('SIGTERM')
  // They have been told: another SIGTERM is not to end what they are at.
  process.on('SIGTERM', () => {})
  const promises = listeners.map(told).filter((result) => typeof result?.then === 'function')
  await Promise.allSettled(promises)
  if (promises.length < listeners.length) await new Promise<void>((resolve) => void whenLoopIsEmpty(resolve))
}

function told(listener: unknown): PromiseLike<unknown> | undefined {
  try {
    return (listener as (signal: string, number: number) => PromiseLike<unknown> | undefined)('SIGTERM', 15)
  } catch (error) {
    console.error('A listener for SIGTERM threw:', error)
  }
}
