/**
 * The older form of a Worker: a script that calls `addEventListener('fetch', (event) => event.respondWith(…))`. Its
 * variables are globals. The globals are there only for scripts that make that call, as the gateway reads off the text.
 */
import type { Load } from '../../../wire/messages.ts'
import type { Call } from '../call.ts'

type Listener = (event: FetchEvent) => unknown

const listeners: (Listener | { handleEvent: Listener })[] = []

export function installServiceWorker({ platform, env }: Load): void {
  if (platform?.isServiceWorker !== true) return
  define('addEventListener', (type: string, listener: Listener | { handleEvent: Listener }) => {
    // Nobody sends events of other kinds here.
    if (type === 'fetch') listeners.push(listener)
  })
  define('removeEventListener', () => {})
  if ((globalThis as { self?: unknown }).self === undefined) define('self', globalThis)
  for (const [name, value] of Object.entries(env)) if (!(name in globalThis)) define(name, value)
}

export function isServiceWorker(): boolean {
  return listeners.length > 0
}

/** Answer with what the first listener that responds gives. */
export async function answerServiceWorker(call: Call): Promise<unknown> {
  const event = new FetchEvent(call)
  for (const listener of listeners) {
    await (typeof listener === 'function' ? listener(event) : listener.handleEvent(event))
    if (event.response !== null) return call.respond(await event.response)
  }
  throw new TypeError('No listener for "fetch" called event.respondWith(response), and there is no origin to ask')
}

class FetchEvent {
  readonly type = 'fetch'
  readonly request: Request
  response: PromiseLike<unknown> | null = null
  readonly #call: Call

  constructor(call: Call) {
    this.#call = call
    this.request = call.request()
  }

  respondWith(response: unknown): void {
    if (this.response !== null) throw new TypeError('event.respondWith was called twice')
    this.response = Promise.resolve(response)
    // Awaited once the listener has returned.
    this.response.then(undefined, () => {})
  }

  waitUntil(promise: Promise<unknown>): void {
    this.#call.waitUntil(promise)
  }

  passThroughOnException(): void {}
}

function define(name: string, value: unknown): void {
  Object.defineProperty(globalThis, name, { value, writable: true, configurable: true })
}
