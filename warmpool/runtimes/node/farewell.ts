/**
 * What is to be done before this process ends by itself, once every call has been answered. The parent waits for about a
 * second; what takes longer is cut off.
 */

type Farewell = () => Promise<unknown>

let farewell: Farewell | null = null

/** There is one at most: whoever keeps something running beside this process. */
export function beforeLeaving(task: Farewell): void {
  farewell = task
}

export async function sayFarewell(): Promise<void> {
  await farewell?.()
}
