/**
 * node:http in front of piscina's threads, which do the whole work: `node piscina.js CASE PORT THREADS TASKS`, the last
 * being how many tasks a thread may have at once. A body that owns its memory is moved to the thread, not copied.
 */
import { createServer } from 'node:http'
import Piscina from 'piscina'
import { answerWith } from '../handlers/node.js'

const [name, port, threads, tasks] = process.argv.slice(2)
const pool = new Piscina({
  filename: new URL('../handlers/tasks.js', import.meta.url).href,
  minThreads: Number(threads),
  maxThreads: Number(threads),
  concurrentTasksPerWorker: Number(tasks),
})

function runInThread(body) {
  const isOwner = body !== null && body.byteLength === body.buffer.byteLength
  return pool.run(body, { name, transferList: isOwner ? [body.buffer] : [] })
}

createServer(answerWith(name, runInThread)).listen(Number(port), '127.0.0.1')
