/**
 * Keeps a number of requests in flight over keep-alive connections, and keeps an account of every single one: which
 * answer it got, how many, and when. For questions about correctness; for speed there is wrk.
 */
import { Agent, type IncomingMessage, request } from 'node:http'
import { buffer } from 'node:stream/consumers'

export interface Account {
  readonly id: string
  /** One entry for each answer that came. Anything but exactly one is a fault. */
  readonly answers: { readonly status: number; readonly body: Buffer }[]
  /** Why there is no whole answer; null where there is. */
  error: string | null
  readonly startedAtMs: number
  endedAtMs: number
}

export interface LaneOptions {
  readonly url: string
  readonly inFlight: number
  /** Lanes ask this before every further request. */
  readonly isOver: () => boolean
}

/** Resolves with all accounts once the last request is over. */
export async function runLanes({ url, inFlight, isOver }: LaneOptions): Promise<Account[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: inFlight })
  const accounts: Account[] = []
  const lane = async (): Promise<void> => {
    while (!isOver()) {
      const startedAtMs = performance.now()
      const account: Account = { id: `call-${accounts.length}`, answers: [], error: null, startedAtMs, endedAtMs: 0 }
      accounts.push(account)
      await askOnce(url, agent, account)
    }
  }
  await Promise.all(Array.from({ length: inFlight }, lane))
  agent.destroy()
  return accounts
}

function askOnce(url: string, agent: Agent, account: Account): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const fail = (error: Error): void => {
    account.error ??= error.message
    account.endedAtMs = performance.now()
    resolve()
  }
  const call = request(url, { agent, headers: { 'x-request-id': account.id } })
  call.on('response', (response: IncomingMessage) => {
    buffer(response).then((body) => {
      account.answers.push({ status: response.statusCode!, body })
      account.endedAtMs = performance.now()
      resolve()
    }, fail)
  })
  call.on('error', fail)
  call.end()
  return promise
}
