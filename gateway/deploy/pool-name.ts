/** What the pool, and an address of a preview, call a version of a function. */

/** No function has it in its name: `/hello@<key>/`. */
export const PREVIEW_MARK = '@'

export function poolName(name: string, number: number): string {
  return `${name}${PREVIEW_MARK}${number}`
}
