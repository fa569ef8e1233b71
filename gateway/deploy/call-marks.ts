/** What a call says of the version that it wants, read off the text that its worker would get. */

/** Names a version that is not live: its key, or where the configuration allows it its number or id. */
export const VERSION_HEADER = 'wrangler-free-version'

/** The value of a header, by its lower-case name; of several the first. Null: there is none. */
export function headerIn(head: string, name: string): string | null {
  // Names and values are lines in turn: a value that reads like the name is preceded by a name, not by a value.
  const lines = head.split('\n')
  for (let at = 3; at + 1 < lines.length; at += 2) if (lines[at] === name) return lines[at + 1]!
  return null
}

/** Cheap where there is none, which is nearly always. */
export function mayHaveHeader(head: string, name: string): boolean {
  return head.includes(`\n${name}\n`)
}

export function cookieIn(head: string, name: string): string | null {
  const cookies = headerIn(head, 'cookie')?.split(';') ?? []
  const found = cookies.map((cookie) => cookie.trim()).find((cookie) => cookie.startsWith(`${name}=`))
  return found === undefined ? null : found.slice(name.length + 1)
}
