/** SharedArrayBuffer and Atomics to a thread: Node can share memory with no process. One blob at a time. */
import { Worker } from 'node:worker_threads'
import type { OpenPeer } from '../peer.ts'
import { inOrder } from './in-order.ts'
import { Mailbox, RING } from './mailbox.ts'

export const open: OpenPeer = ({ task }) => {
  const mailbox = new Mailbox()
  const thread = new Worker(new URL('shared-memory-worker.ts', import.meta.url), {
    workerData: { memory: mailbox.memory, task },
  })
  let sent = 0
  let answered = 0
  const { call, answer, fail } = inOrder((value) => {
    if (sent - answered >= (typeof value === 'number' ? RING : 1)) throw new Error('The shared memory is full')
    mailbox.post(value)
    if (sent++ === answered) takeAnswers()
  })
  const takeAnswers = async (): Promise<void> => {
    while (answered < sent) {
      const until = await mailbox.untilAnswered(answered)
      while (answered < until) answer(mailbox.read(answered++))
      // What the answers led to is called before it is looked whether anything is still awaited.
      await null
    }
  }
  thread.once('error', fail)
  thread.once('exit', fail)
  return { call, close: () => thread.terminate() }
}
