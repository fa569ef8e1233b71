/** Node's own channel to a child, with the serialization that carries bytes. Answers come in the order of the calls. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { OpenPeer } from '../peer.ts'
import { inOrder } from './in-order.ts'

export const open: OpenPeer = ({ task }) => {
  const file = fileURLToPath(new URL('ipc-worker.ts', import.meta.url))
  const child = fork(file, [task], { serialization: 'advanced' })
  const { call, answer, fail } = inOrder((value) => child.send(value as never))
  child.on('message', answer)
  child.once('exit', fail)
  return {
    call,
    async close() {
      const gone = child.exitCode === null ? once(child, 'exit') : null
      if (child.connected) child.disconnect()
      await gone
    },
  }
}
