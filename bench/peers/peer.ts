/** What a contestant of the HTTP suites is, and the starting of it: running and answering right, or a reason why not. */
import { setTimeout as pause } from 'node:timers/promises'
import { Host } from './host.ts'
import type { HttpCase } from './http-case.ts'

export interface Peer {
  readonly name: string
  /** Starts it inside the host, and resolves with the address to call; it need not answer yet. */
  start(host: Host, httpCase: HttpCase): Promise<string>
}

export interface RunningPeer {
  readonly name: string
  readonly url: string
  readonly host: Host
}

const START_MS = 15_000

/** Throws when it does not start, or does not answer right. Then nothing is left of it. */
export async function startPeer(peer: Peer, httpCase: HttpCase): Promise<RunningPeer> {
  const host = new Host()
  try {
    const url = await peer.start(host, httpCase)
    await untilRight(url, host, httpCase)
    return { name: peer.name, url, host }
  } catch (error) {
    // What went wrong first is what is worth telling.
    await host.stop().catch(() => {})
    throw error
  }
}

async function untilRight(url: string, host: Host, httpCase: HttpCase): Promise<void> {
  const giveUpAtMs = performance.now() + START_MS
  for (;;) {
    const problem = await ask(url, httpCase)
    if (problem === null) return
    if (host.complaint !== null) throw new Error(host.complaint)
    if (performance.now() > giveUpAtMs) throw new Error(problem)
    await pause(50)
  }
}

/** null: answered as it should be. */
async function ask(url: string, { body, contentType, isRight }: HttpCase): Promise<string | null> {
  const init =
    body === null ? {} : { method: 'POST', body: Uint8Array.from(body), headers: { 'content-type': contentType } }
  try {
    const response = await fetch(url, { ...init, signal: AbortSignal.timeout(START_MS) })
    const answer = Buffer.from(await response.arrayBuffer())
    if (response.ok && isRight(answer)) return null
    return `it answered ${response.status}: ${answer.toString().slice(0, 200)}`
  } catch (error) {
    return `no answer: ${(error as Error).message}`
  }
}
