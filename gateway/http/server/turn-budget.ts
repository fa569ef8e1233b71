/**
 * How many requests one turn of the event loop begins beyond the first of each read. A caller that sends thousands
 * behind each other would otherwise hold everybody up until the last of them is begun. Callers that wait for their
 * answers never come here.
 */

/** Of all connections together. A head counts once, and once more for each KiB. */
const PIPELINED_A_TURN = 256

let left = PIPELINED_A_TURN
let isRefilling = false

/** False: the request has to wait for the next turn. */
export function takePipelined(headBytes: number): boolean {
  if (!isRefilling) {
    isRefilling = true
    setImmediate(refill)
  }
  if (left <= 0) return false
  left -= 1 + Math.floor(headBytes / 1024)
  return true
}

function refill(): void {
  left = PIPELINED_A_TURN
  isRefilling = false
}
