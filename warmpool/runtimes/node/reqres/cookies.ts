/** A request's cookies by their names. */
import { setOwn } from '../formats/own-values.ts'

export function cookiesIn(text: string): Record<string, string> {
  const cookies: Record<string, string> = {}
  for (const part of text.split(';')) {
    const at = part.indexOf('=')
    if (at < 0) continue
    const name = part.slice(0, at).trim()
    const value = part
      .slice(at + 1)
      .trim()
      .replace(/^"(.*)"$/, '$1')
    if (!Object.hasOwn(cookies, name)) setOwn(cookies, name, decoded(value))
  }
  return cookies
}

function decoded(value: string): string {
  try {
    return value.includes('%') ? decodeURIComponent(value) : value
  } catch {
    return value
  }
}
