/** The time as all processes of a run see it: milliseconds that no clock jump moves. */
export function nowMs(): number {
  return performance.timeOrigin + performance.now()
}
