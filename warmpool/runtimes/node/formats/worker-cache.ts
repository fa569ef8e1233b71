/**
 * The Cache API of Workers over this worker's own memory: a real cache, bounded, which is gone with the worker and which
 * no other worker sees. Entries live as long as `Cache-Control` or `Expires` say, two hours where neither does; what
 * was put first leaves first when it is full.
 */

interface Entry {
  readonly status: number
  readonly statusText: string
  readonly headers: readonly [string, string][]
  readonly body: Uint8Array
  readonly expiresMs: number
}

/** Of all entries' bodies and heads together, in each cache. */
export const MOST_BYTES = 8 * 1024 * 1024
export const MOST_ENTRY_BYTES = 1024 * 1024
const DEFAULT_AGE_SECONDS = 7_200
/** Every entry costs memory besides its bytes. */
const ENTRY_BYTES = 512

export class WorkerCache {
  readonly #entries = new Map<string, Entry>()
  readonly #now: () => number
  #bytes = 0

  constructor(now: () => number = Date.now) {
    this.#now = now
  }

  match(request: string | URL | Request, ignoreMethod: boolean): Response | undefined {
    const key = keyOf(request, ignoreMethod)
    const entry = key === null ? undefined : this.#entries.get(key)
    if (key === null || entry === undefined) return undefined
    if (entry.expiresMs <= this.#now()) {
      this.#drop(key, entry)
      return undefined
    }
    const { status, statusText } = entry
    const headers = [...entry.headers, ['cf-cache-status', 'HIT']] as [string, string][]
    return new Response(hasNoBody(status) ? null : entry.body, { status, statusText, headers })
  }

  /** Throws TypeError for what the API forbids; what is not to be kept, or too large, is not kept. */
  async put(request: string | URL | Request, response: Response): Promise<void> {
    const key = keyOf(request, false)
    if (key === null) throw new TypeError('Cache.put takes GET requests only')
    if (response.status === 206) throw new TypeError('Cache.put does not take partial content (206)')
    if (response.headers.get('vary')?.includes('*')) throw new TypeError('Cache.put does not take `Vary: *`')
    const body = new Uint8Array(await response.arrayBuffer())
    const seconds = secondsToLive(response.headers, this.#now())
    const size = body.length + ENTRY_BYTES
    if (seconds <= 0 || response.headers.has('set-cookie') || size > MOST_ENTRY_BYTES) return
    const { status, statusText } = response
    const headers = [...response.headers].filter(([name]) => name !== 'cf-cache-status')
    const before = this.#entries.get(key)
    if (before !== undefined) this.#drop(key, before)
    this.#entries.set(key, { status, statusText, headers, body, expiresMs: this.#now() + seconds * 1000 })
    this.#bytes += size
    for (const [oldKey, old] of this.#entries) {
      if (this.#bytes <= MOST_BYTES) break
      this.#drop(oldKey, old)
    }
  }

  delete(request: string | URL | Request, ignoreMethod: boolean): boolean {
    const key = keyOf(request, ignoreMethod)
    const entry = key === null ? undefined : this.#entries.get(key)
    if (key === null || entry === undefined) return false
    this.#drop(key, entry)
    return true
  }

  #drop(key: string, entry: Entry): void {
    this.#entries.delete(key)
    this.#bytes -= entry.body.length + ENTRY_BYTES
  }
}

/** Null for a method that is not cached. */
function keyOf(request: string | URL | Request, ignoreMethod: boolean): string | null {
  if (typeof request === 'string' || request instanceof URL) return new URL(request).href
  return ignoreMethod || request.method === 'GET' ? request.url : null
}

function hasNoBody(status: number): boolean {
  return status === 204 || status === 205 || status === 304
}

function secondsToLive(headers: Headers, nowMs: number): number {
  const control = headers.get('cache-control') ?? ''
  if (/\b(?:no-store|no-cache|private)\b/i.test(control)) return 0
  const age = /\bs-maxage\s*=\s*"?(\d+)/i.exec(control) ?? /\bmax-age\s*=\s*"?(\d+)/i.exec(control)
  if (age !== null) return Number(age[1])
  const expires = headers.get('expires')
  if (expires === null) return DEFAULT_AGE_SECONDS
  return (Date.parse(expires) - nowMs) / 1000 || 0
}
