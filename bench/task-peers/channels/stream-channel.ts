/**
 * The parent's end of a channel that is a stream of bytes each way. Answers come in the order of the calls. What is
 * called in one turn goes out in one write, as every pool worth the name does it.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import type { Peer } from '../peer.ts'
import type { TaskName } from '../tasks/tasks.ts'
import { type FormatName, formats } from './formats.ts'
import { inOrder } from './in-order.ts'

const WORKER = fileURLToPath(new URL('stream-worker.ts', import.meta.url))

/** `way` as the worker takes it; `extra` become its descriptors from 3 on. */
export function spawnWorker(
  task: TaskName,
  format: FormatName,
  way: string,
  extra: readonly number[] = [],
): ChildProcess {
  const stdio = way === 'stdio' ? (['pipe', 'pipe'] as const) : (['ignore', 'ignore'] as const)
  return spawn(process.execPath, [WORKER, task, format, way], { stdio: [...stdio, 'inherit', ...extra] })
}

export function streamPeer(child: ChildProcess, formatName: FormatName, input: Writable, output: Readable): Peer {
  const format = formats[formatName]
  const decode = format.decoder()
  let isCorked = false
  const uncork = (): void => {
    isCorked = false
    input.uncork()
  }
  const { call, answer, fail } = inOrder((value) => {
    if (!isCorked) {
      isCorked = true
      input.cork()
      process.nextTick(uncork)
    }
    for (const part of format.encode(value)) input.write(part)
  })
  output.on('data', (chunk: Buffer) => {
    for (const value of decode(chunk)) answer(value)
  })
  input.on('error', fail)
  child.once('exit', fail)
  return {
    call,
    async close() {
      const gone = child.exitCode === null ? once(child, 'exit') : null
      input.end()
      await gone
    },
  }
}
