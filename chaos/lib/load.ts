/**
 * The many small callers, in a process of their own so that nothing that a strike does delays them: each lane keeps a
 * connection alive and asks for one function again and again. Every answer has to be that of its call, and an account
 * is kept of every single one. It is told when to call and when to rest, and hands its accounts over at the end.
 */
import { Agent, type IncomingMessage, request } from 'node:http'
import { buffer } from 'node:stream/consumers'
import type { Lane } from '../disturbance.ts'
import { nowMs } from './clock.ts'
import { CUT, outcomeOf, REFUSED, WRONG } from './outcome.ts'
import { Random } from './random.ts'

export interface Account {
  readonly function: string
  readonly startedAtMs: number
  readonly endedAtMs: number
  readonly outcome: string
  /** The beginning of an answer that is not the function's. */
  readonly said: string
}

export type LoadOrder =
  | { readonly do: 'prepare'; readonly url: string; readonly lanes: readonly Lane[]; readonly seed: number }
  | { readonly do: 'call' | 'rest' | 'report' }

/** Answers `prepare`, `rest` (once nothing is under way) and `report`. */
export type LoadReport = { readonly did: LoadOrder['do']; readonly accounts?: readonly Account[] }

const SAID_CHARS = 300

const accounts: Account[] = []
let calls = 0
let isCalling = Promise.withResolvers<void>()
let isResting = true
let underWay = 0
let onRest: () => void = () => {}

async function runLane(url: string, lane: Lane, random: Random): Promise<never> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  for (;;) {
    if (isResting) {
      // A connection that a rest outlives may be closed by the other side just when the next call is sent.
      agent.destroy()
      await isCalling.promise
    }
    const nextAtMs = nowMs() + lane.everyMs * (0.5 + random.next())
    underWay++
    accounts.push(await call(url, lane, agent, random))
    underWay--
    if (underWay === 0) onRest()
    const waitMs = nextAtMs - nowMs()
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs))
  }
}

async function call(url: string, lane: Lane, agent: Agent, random: Random): Promise<Account> {
  const id = `call-${calls++}`
  const { method = 'GET', bodyBytes = 0, query = '' } = lane
  const body = bodyBytes === 0 ? null : `${'.'.repeat(random.between(0, bodyBytes))}${id}`
  const startedAtMs = nowMs()
  let status = 0
  let said = ''
  try {
    const response = await send(`${url}/${lane.function}${query}`, { method, agent, headers: { 'x-call': id } }, body)
    status = response.statusCode!
    said = (await buffer(response)).toString('latin1')
  } catch {
    const outcome = status === 0 ? REFUSED : CUT
    return { function: lane.function, startedAtMs, endedAtMs: nowMs(), outcome, said: '' }
  }
  // An echo's answer is the whole body, every other's ends with the id of the call.
  const isRight = said.endsWith(id) && (body === null || said.length === body.length)
  const outcome = status === 200 && !isRight ? WRONG : outcomeOf(status, said)
  const told = outcome === '200' ? '' : said.slice(0, SAID_CHARS)
  return { function: lane.function, startedAtMs, endedAtMs: nowMs(), outcome, said: told }
}

function send(url: string, options: object, body: string | null): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const sent = request(url, options)
    sent.on('response', resolve)
    sent.on('error', reject)
    sent.end(body ?? undefined)
  })
}

function obey(order: LoadOrder): void {
  const answer = (accounts?: readonly Account[]): void => {
    process.send!({ did: order.do, ...(accounts === undefined ? {} : { accounts }) } satisfies LoadReport)
  }
  if (order.do === 'prepare') {
    const random = new Random(order.seed)
    for (const lane of order.lanes) void runLane(order.url, lane, new Random(random.seed()))
    answer()
  } else if (order.do === 'call') {
    isResting = false
    isCalling.resolve()
  } else if (order.do === 'rest') {
    isResting = true
    isCalling = Promise.withResolvers()
    onRest = () => {
      onRest = () => {}
      answer()
    }
    if (underWay === 0) onRest()
  } else {
    answer(accounts)
  }
}

// It ends with whoever started it.
process.on('disconnect', () => process.exit())
process.on('message', obey)
