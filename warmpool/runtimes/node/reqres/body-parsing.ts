/** A request's body read before its handler runs, and taken for what its type says. */
import { parse } from 'node:querystring'
import type { Call } from '../call.ts'

/** The caller sent what its type denies: it is to hear of that, and not the function. */
export class UnreadableBody extends Error {
  override readonly name = 'UnreadableBody'
}

/** Goes on at once where the body is here already, which most are. */
export function withBody(call: Call, next: (bytes: Buffer | null) => unknown): unknown {
  const { body } = call
  if (body.isAbsent) return next(null)
  return body.isWhole ? next(body.takeWhole()) : body.collect().then(next)
}

/** The type without its parameters, in lower case. */
export function mediaType(contentType: string | undefined): string {
  return (contentType ?? '').split(';', 1)[0]!.trim().toLowerCase()
}

export function isJson(type: string): boolean {
  return type === 'application/json' || type.endsWith('+json')
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch (error) {
    throw new UnreadableBody(`The body is not JSON: ${(error as Error).message}`)
  }
}

export function parseForm(text: string): Record<string, string | string[]> {
  return { ...parse(text) } as Record<string, string | string[]>
}

/** The part of a target behind its question mark, parsed. */
export function queryOf(target: string): Record<string, string | string[]> {
  const at = target.indexOf('?')
  return at < 0 ? {} : parseForm(target.slice(at + 1))
}
