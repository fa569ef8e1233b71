/** A thread and postMessage: bytes are copied by structured clone. */
import { Worker } from 'node:worker_threads'
import type { OpenPeer } from '../peer.ts'
import { inOrder } from './in-order.ts'

export const open: OpenPeer = ({ task }) => {
  const thread = new Worker(new URL('thread-worker.ts', import.meta.url), { workerData: task })
  const { call, answer, fail } = inOrder((value) => thread.postMessage(value))
  thread.on('message', answer)
  thread.once('error', fail)
  thread.once('exit', fail)
  return { call, close: () => thread.terminate() }
}
