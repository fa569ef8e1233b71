/** What became of a call, in one short text that can be counted: `200`, `502 worker-died`, `refused`, `cut`. Pure. */

/** The connection was never made, or ended before anything was answered. */
export const REFUSED = 'refused'
/** The answer broke off. */
export const CUT = 'cut'
/** It is not the answer to this call. */
export const WRONG = '200 with the wrong body'

export function outcomeOf(status: number, body: string): string {
  if (status === 200) return '200'
  const code = /"code":"([\w-]+)"/.exec(body)?.[1]
  return code === undefined ? String(status) : `${status} ${code}`
}
