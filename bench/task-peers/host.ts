/**
 * The process in which one pool or channel lives and is measured: of its own, so that no contestant meets another's
 * garbage or handles. Started with the peer's module; says `{}` on stdout when it is ready; each line on stdin is
 * a case, answered by one line of JSON; the end of stdin closes what is open. Every case first proves its answers, which warms up as well.
 */
import { randomBytes } from 'node:crypto'
import { createInterface } from 'node:readline'
import type { OpenPeer, Peer } from './peer.ts'
import { type TaskName, tasks } from './tasks/tasks.ts'

export interface Case {
  readonly task: TaskName
  /** Of the input; 0 for an integer. */
  readonly bytes: number
  readonly inFlight: number
  readonly workers: number
  /** It ends with whichever comes first. */
  readonly calls: number
  readonly forMs: number
}

export type CaseReport = {
  readonly callsPerSecond: number
  /** Of calls one at a time; 0 where many are in flight. */
  readonly p50Ms: number
  readonly calls: number
}

const WARM_UP_MS = 200

const { open } = (await import(process.argv[2]!)) as { open: OpenPeer }
const peers = new Map<string, Promise<Peer>>()

process.stdout.write('{}\n')
for await (const line of createInterface({ input: process.stdin })) {
  const answer = await runCase(JSON.parse(line) as Case).catch((error: Error) => ({ error: error.stack }))
  process.stdout.write(`${JSON.stringify(answer)}\n`)
}
for (const peer of peers.values()) await (await peer).close()
process.exit()

async function runCase(one: Case): Promise<CaseReport> {
  const { task, workers } = one
  const key = `${task} ${workers}`
  if (!peers.has(key)) peers.set(key, Promise.resolve(open({ task, workers })))
  const peer = await peers.get(key)!
  const input = one.bytes === 0 ? 41 : randomBytes(one.bytes)
  await prove(peer, task, input, one.inFlight)
  await measure(peer, input, { ...one, forMs: Math.min(WARM_UP_MS, one.forMs) })
  return measure(peer, input, one)
}

/** As many at once as will be measured: one answer mistaken for another would show. */
async function prove(peer: Peer, task: TaskName, input: number | Uint8Array, inFlight: number): Promise<void> {
  const inputs = Array.from({ length: inFlight }, (_, at) => (typeof input === 'number' ? input + at : input))
  const outputs = await Promise.all(inputs.map((one) => peer.call(one)))
  outputs.forEach((output, at) => {
    const right = tasks[task](inputs[at] as never)
    const isRight = typeof right === 'number' ? output === right : Buffer.compare(right, asBytes(output)) === 0
    if (!isRight) throw new Error(`A wrong answer to ${task} of ${inputs[at]}: ${output}`)
  })
}

function asBytes(output: unknown): Uint8Array {
  if (!(output instanceof Uint8Array)) throw new Error(`Not bytes: ${JSON.stringify(output)?.slice(0, 200)}`)
  return output
}

async function measure(peer: Peer, input: number | Uint8Array, one: Case): Promise<CaseReport> {
  const isSingle = one.inFlight === 1
  const tookMs: number[] = []
  const startedAtMs = performance.now()
  const endsAtMs = startedAtMs + one.forMs
  let calls = 0
  const lane = async (): Promise<void> => {
    for (let beganAtMs = startedAtMs; beganAtMs < endsAtMs && calls < one.calls; ) {
      calls++
      await peer.call(input)
      const nowMs = performance.now()
      if (isSingle) tookMs.push(nowMs - beganAtMs)
      beganAtMs = nowMs
    }
  }
  await Promise.all(Array.from({ length: one.inFlight }, lane))
  const seconds = (performance.now() - startedAtMs) / 1000
  tookMs.sort((a, b) => a - b)
  return { callsPerSecond: calls / seconds, p50Ms: tookMs[tookMs.length >> 1] ?? 0, calls }
}
