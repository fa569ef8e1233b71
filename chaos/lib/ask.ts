/** One call on a connection of its own, and waiting for what tells nobody when it happens. */
import { type IncomingMessage, request } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'
import type { Answer, AskInit } from '../disturbance.ts'
import { CUT, outcomeOf, REFUSED } from './outcome.ts'

/**
 * Longer than any time-out here, and than a machine on which others compute takes to start what a gateway keeps, one process
 * in four seconds: what has not come by then does not come.
 */
const PATIENCE_MS = 60_000
const LOOK_EVERY_MS = 20

export async function ask(url: string, { method = 'GET', body, headers = {} }: AskInit = {}): Promise<Answer> {
  let response: IncomingMessage | null = null
  try {
    response = await new Promise<IncomingMessage>((resolve, reject) => {
      request(url, { method, headers, agent: false }, resolve).on('error', reject).end(body)
    })
    const text = (await buffer(response)).toString('latin1')
    return { outcome: outcomeOf(response.statusCode!, text), body: text, headers: response.headers }
  } catch {
    return { outcome: response === null ? REFUSED : CUT, body: '', headers: {} }
  }
}

export async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const giveUpAtMs = performance.now() + PATIENCE_MS
  while (!(await isSo())) {
    if (performance.now() > giveUpAtMs) throw new Error(`it did not come to this: ${what}`)
    await pause(LOOK_EVERY_MS)
  }
}
