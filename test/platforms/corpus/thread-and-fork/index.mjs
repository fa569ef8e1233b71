import { fork } from 'node:child_process'
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'

export default {
  async fetch() {
    const thread = new Worker(new URL('./thread.mjs', import.meta.url), { workerData: 20 })
    const [threaded] = await once(thread, 'message')
    const program = fork(new URL('./program.cjs', import.meta.url))
    program.send(4)
    const [forked] = await once(program, 'message')
    program.disconnect()
    return Response.json({ threaded, forked })
  },
}
