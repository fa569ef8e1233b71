/**
 * The six things that every HTTP contestant is asked to do: the request, and how to tell the right answer. What the
 * answer takes is written in handlers/, under the same names.
 */
import { createHash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { MiB } from '../lib/memory.ts'
import { serverCoreCount } from '../lib/pinning.ts'

export const CONNECTIONS = 64

export interface HttpCase {
  readonly name: 'hello' | 'json' | 'download' | 'upload' | 'sha512' | 'wait'
  /** What the question of the suite is about. */
  readonly what: string
  /** null: a GET. */
  readonly body: Buffer | null
  readonly contentType: string
  isRight(answer: Buffer): boolean
  /** How many workers there are where each takes many calls at a time. */
  readonly sharedWorkers: number
  /** How many there are where each takes one call at a time. */
  readonly exclusiveWorkers: number
  /** How many calls a thread of piscina takes at a time: it recommends more than one only for work that waits. */
  readonly tasksPerThread: number
}

const BINARY = 'application/octet-stream'
const ORDER = makeOrder(2048)
const UPLOAD = Buffer.alloc(MiB, 'What is uploaded. ')
const UPLOAD_SHA512 = createHash('sha512').update(UPLOAD).digest('hex')

const busy = { sharedWorkers: 1, exclusiveWorkers: serverCoreCount, tasksPerThread: 1 }
const get = { body: null, contentType: '' }

export const HTTP_CASES: readonly HttpCase[] = [
  { name: 'hello', what: 'a constant text', ...get, isRight: isText('Hello!\n'), ...busy },
  {
    name: 'json',
    what: '2 KiB of JSON that is read and answered with one field more',
    body: Buffer.from(JSON.stringify(ORDER)),
    contentType: 'application/json',
    isRight: (answer) => isDeepStrictEqual(JSON.parse(String(answer)), { ...ORDER, totalCents: totalCents(ORDER) }),
    ...busy,
  },
  {
    name: 'download',
    what: 'an answer of 64 KiB',
    ...get,
    isRight: (answer) => answer.equals(Buffer.alloc(64 * 1024, 'x')),
    ...busy,
  },
  {
    name: 'upload',
    what: 'an upload of 1 MiB, answered with its length',
    body: UPLOAD,
    contentType: BINARY,
    isRight: isText(String(MiB)),
    ...busy,
  },
  {
    name: 'sha512',
    what: 'the SHA-512 of an upload of 1 MiB, which a core has to work for',
    body: UPLOAD,
    contentType: BINARY,
    isRight: isText(UPLOAD_SHA512),
    ...busy,
    sharedWorkers: serverCoreCount,
  },
  {
    name: 'wait',
    what: 'an answer that waits for 20 ms and does nothing',
    ...get,
    isRight: isText('Hello!\n'),
    sharedWorkers: 1,
    exclusiveWorkers: CONNECTIONS,
    tasksPerThread: CONNECTIONS,
  },
]

interface Order {
  readonly id: string
  readonly items: readonly { sku: string; name: string; quantity: number; priceCents: number }[]
  readonly note: string
}

/** Exactly so many bytes as JSON. */
function makeOrder(bytes: number): Order {
  const items = Array.from({ length: 24 }, (_, at) => ({
    sku: `SKU-${1000 + at}`,
    name: `Article number ${at}`,
    quantity: (at % 5) + 1,
    priceCents: 199 + at * 50,
  }))
  const order = { id: 'order-1', items, note: '' }
  return { ...order, note: 'n'.repeat(bytes - JSON.stringify(order).length) }
}

function totalCents({ items }: Order): number {
  return items.reduce((total, { quantity, priceCents }) => total + quantity * priceCents, 0)
}

function isText(text: string): HttpCase['isRight'] {
  return (answer) => answer.toString() === text
}
