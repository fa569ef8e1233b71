// Server-sent events: a tick each second, for `new EventSource('/events/')` or `curl -N`. `?interval=` sets the
// milliseconds between ticks, `?count=` ends the stream after so many. A bare default function, the shortest
// form of all. A tick is made only when the reader has room for it, and nothing is left running once it is gone.

import { setTimeout as wait } from 'node:timers/promises'

const MIN_INTERVAL_MS = 10
const MAX_INTERVAL_MS = 60_000
const MAX_COUNT = 1_000_000

const HEADERS = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-store',
  // nginx, if it stands in front, would collect the ticks before it passes them on.
  'x-accel-buffering': 'no',
}

export default function events(request: Request): Response {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return new Response('Events are for listening: use GET.\n', { status: 405, headers: { allow: 'GET, HEAD' } })
  }
  const query = new URL(request.url).searchParams
  const intervalMs = wholeNumber(query.get('interval') ?? '1000', MIN_INTERVAL_MS, MAX_INTERVAL_MS)
  const count = wholeNumber(query.get('count') ?? String(MAX_COUNT), 1, MAX_COUNT)
  if (intervalMs === undefined) return badRequest('interval', MIN_INTERVAL_MS, MAX_INTERVAL_MS)
  if (count === undefined) return badRequest('count', 1, MAX_COUNT)

  // An EventSource whose connection broke asks again and names the last event it saw: the ticks go on from there. It
  // also asks again when the stream has ended, and 204 is how it is told to stop.
  const seen = wholeNumber(request.headers.get('last-event-id') ?? '', 1, MAX_COUNT) ?? 0
  if (seen >= count) return new Response(null, { status: 204 })

  if (request.method === 'HEAD') return new Response(null, { headers: HEADERS })
  return new Response(ticks({ first: seen + 1, last: count, intervalMs, signal: request.signal }), { headers: HEADERS })
}

interface Ticks {
  first: number
  last: number
  intervalMs: number
  signal: AbortSignal
}

function ticks({ first, last, intervalMs, signal }: Ticks): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  // Two ways for a listener to leave: the request is aborted, or whoever reads this stream cancels it.
  const cancelled = new AbortController()
  const gone = AbortSignal.any([signal, cancelled.signal])
  let id = first
  return new ReadableStream({
    start(controller) {
      // The browser waits one interval before it reconnects, so ticks keep their pace across a broken connection.
      controller.enqueue(encoder.encode(`retry: ${intervalMs}\n\n`))
    },
    async pull(controller) {
      try {
        if (id > first) await wait(intervalMs, undefined, { signal: gone })
      } catch {
        // A cancelled stream is closed already.
        if (!cancelled.signal.aborted) controller.close()
        return
      }
      const data = JSON.stringify({ tick: id, at: new Date().toISOString() })
      controller.enqueue(encoder.encode(`id: ${id}\ndata: ${data}\n\n`))
      id += 1
      if (id > last) controller.close()
    },
    cancel() {
      cancelled.abort()
    },
  })
}

function wholeNumber(text: string, min: number, max: number): number | undefined {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
  return value >= min && value <= max ? value : undefined
}

function badRequest(name: string, min: number, max: number): Response {
  return new Response(`"${name}" is a whole number from ${min} to ${max}.\n`, { status: 400 })
}
