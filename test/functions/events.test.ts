import { describe, expect, test } from 'vitest'
import events from '../../functions/events/index.ts'

function listen(query: string, init: RequestInit = {}): Response {
  return events(new Request(`http://localhost/${query}`, init))
}

function ids(text: string): number[] {
  return [...text.matchAll(/^id: (\d+)$/gm)].map((match) => Number(match[1]))
}

/** A request whose abort signal is this very one, as a runtime hands it over: Request's constructor makes its own. */
function requestWith(signal: AbortSignal, query: string): Request {
  return Object.defineProperty(new Request(`http://localhost/${query}`), 'signal', { value: signal })
}

describe('the stream', () => {
  test('is made of events that an EventSource understands', async () => {
    const response = listen('?interval=10&count=2')
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    expect(response.headers.get('cache-control')).toBe('no-store')
    const at = '"\\d{4}-\\d\\d-\\d\\dT[\\d:.]+Z"'
    const event = (tick: number) => `id: ${tick}\\ndata: \\{"tick":${tick},"at":${at}\\}\\n\\n`
    expect(await response.text()).toMatch(new RegExp(`^retry: 10\\n\\n${event(1)}${event(2)}$`))
  })

  test('ends after count events', async () => {
    expect(ids(await listen('?interval=10&count=4').text())).toEqual([1, 2, 3, 4])
  })

  test('sends its first event at once, however long the interval', async () => {
    const reader = listen('?interval=60000').body!.getReader()
    const decoder = new TextDecoder()
    let text = ''
    while (ids(text).length === 0) text += decoder.decode((await reader.read()).value)
    expect(ids(text)).toEqual([1])
    await reader.cancel()
  })

  test('resumes after the last event that the listener saw', async () => {
    expect(ids(await listen('?interval=10&count=4', { headers: { 'last-event-id': '2' } }).text())).toEqual([3, 4])
  })

  test('tells a listener that has seen everything to stop asking', () => {
    const response = listen('?count=4', { headers: { 'last-event-id': '4' } })
    expect(response.status).toBe(204)
    expect(response.body).toBeNull()
  })

  test('starts over for a last event id that it never gave out', async () => {
    expect(ids(await listen('?interval=10&count=1', { headers: { 'last-event-id': 'x' } }).text())).toEqual([1])
  })
})

describe('when the listener leaves', () => {
  test('an abort of the request ends the stream in the middle of an interval', async () => {
    const listener = new AbortController()
    const reader = events(requestWith(listener.signal, '?interval=60000')).body!.getReader()
    await reader.read()
    await reader.read()
    const next = reader.read()
    listener.abort()
    expect((await next).done).toBe(true)
  })

  test('a request that was aborted before gets no second event', async () => {
    const response = events(requestWith(AbortSignal.abort(), '?interval=60000'))
    expect(ids(await response.text())).toEqual([1])
  })

  test('a cancelled stream stops its timer, so that nothing is left running', async () => {
    const reader = listen('?interval=60000').body!.getReader()
    await reader.read()
    await reader.read()
    const pending = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
    const before = pending()
    await reader.cancel()
    expect(pending()).toBe(before - 1)
  })
})

describe('the request', () => {
  test.each(['0', '9', '60001', '-1', '1.5', 'fast', ''])('is refused with the interval %j', async (interval) => {
    const response = listen(`?interval=${interval}`)
    expect(response.status).toBe(400)
    expect(await response.text()).toBe('"interval" is a whole number from 10 to 60000.\n')
  })

  test.each(['0', '1000001', 'all', ''])('is refused with the count %j', async (count) => {
    const response = listen(`?count=${count}`)
    expect(response.status).toBe(400)
    expect(await response.text()).toBe('"count" is a whole number from 1 to 1000000.\n')
  })

  test('is refused with 405 when it is not for listening', () => {
    const response = listen('', { method: 'POST' })
    expect(response.status).toBe(405)
    expect(response.headers.get('allow')).toBe('GET, HEAD')
  })

  test('HEAD gets the headers and starts nothing', () => {
    const response = listen('', { method: 'HEAD' })
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    expect(response.body).toBeNull()
  })
})
