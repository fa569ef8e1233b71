/** Why a function cannot take calls right now, in words for its callers: what is its author's stays in the log. */
import type { CatalogEntry } from './functions/catalog.ts'
import type { ProblemCode } from './http/problem.ts'

export interface Unavailability {
  readonly code: ProblemCode
  readonly detail: string
}

/** Null: it can. */
export function whyUnavailable(name: string, entry: CatalogEntry | undefined): Unavailability | null {
  if (entry === undefined) return { code: 'not-found', detail: `There is no function "${name}".` }
  if (entry.error?.code === 'secret-missing') {
    const detail = 'It lacks a secret that it needs. The log of the gateway says which, and where it was looked for.'
    return { code: 'secret-missing', detail }
  }
  if (entry.bundle !== null) return null
  if (entry.error?.code === 'corrupted')
    return { code: 'corrupted', detail: 'What was stored of it is damaged. The log of the gateway says more.' }
  if (entry.error?.code === 'not-stored')
    return { code: 'not-stored', detail: 'The machine had no room for it. The log of the gateway says why.' }
  if (entry.error?.code === 'bundler-lost')
    return { code: 'bundler-lost', detail: 'The bundler ended while it built it. Building it again may go well.' }
  // What is no function yet has its mistake in its names or its function.json, and no code that could be told.
  if (entry.source === null && entry.error !== null)
    return { code: 'build-failed', detail: `It does not build: ${entry.error.message.replace(/\s+/g, ' ')}` }
  const place = entry.error?.file === undefined ? '' : ` (${entry.error.file}:${entry.error.line ?? 1})`
  return { code: 'build-failed', detail: `It does not build${place}. The log of the gateway says why.` }
}
