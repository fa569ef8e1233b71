/**
 * A process that is asked to measure something and answers with numbers: a line of JSON when it is ready, then one for
 * each that it gets, whatever language it is written in. It lives through all rounds, is pinned to the servers' cores, ends when its stdin does,
 * and never outlives this process; when it has to be killed, so is everything below it.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { pinServer } from './pinning.ts'
import { readTree } from './processes.ts'

const ANSWER_MS = 60_000
const STOP_MS = 10_000
/** How much of what it complains about is kept for an error's message. */
const KEPT_CHARS = 2_000

export interface Subject {
  /** Rejects with what it says went wrong, or when it is gone, or takes longer than a minute. One at a time. */
  ask(order: object): Promise<unknown>
  stop(): Promise<void>
}

const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of running) killTree(child)
})

/** Resolves when it is ready to be asked. */
export async function startSubject(command: readonly string[]): Promise<Subject> {
  const [file, ...args] = [...pinServer, ...command]
  const child = spawn(file!, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, NODE_ENV: 'production', NO_COLOR: '1' },
  })
  let complaints = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints = (complaints + text).slice(-KEPT_CHARS)
  })
  child.stdin.on('error', () => {})
  // Without a listener, a command that is not there would end this process.
  child.on('error', (error) => {
    complaints += error.message
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  running.add(child)
  child.once('exit', () => running.delete(child))
  const answer = async (): Promise<unknown> => {
    const tooLate = setTimeout(() => killTree(child), ANSWER_MS)
    const { value, done } = await lines.next()
    clearTimeout(tooLate)
    if (done) throw new Error(`it ended without an answer: ${complaints}`)
    const said = JSON.parse(value) as { readonly error?: string }
    if (said.error !== undefined) throw new Error(said.error)
    return said
  }
  await answer()
  return {
    ask(order) {
      child.stdin.write(`${JSON.stringify(order)}\n`)
      return answer()
    },
    stop: () => stop(child),
  }
}

async function stop(child: ChildProcess): Promise<void> {
  const isGone = (): boolean => child.pid === undefined || child.exitCode !== null || child.signalCode !== null
  if (isGone()) return
  const closed = once(child, 'exit')
  child.stdin!.end()
  const tooLate = setTimeout(() => killTree(child), STOP_MS)
  await closed
  clearTimeout(tooLate)
}

function killTree({ pid }: ChildProcess): void {
  if (pid === undefined) return
  for (const one of readTree(pid)) {
    try {
      process.kill(one.pid, 'SIGKILL')
    } catch {
      // It was faster.
    }
  }
}
