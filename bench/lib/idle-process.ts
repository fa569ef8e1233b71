/** A process that holds one inherited socket and does nothing: what the least of a worker takes. It never outlives this one. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { pinServer } from './pinning.ts'

export interface IdleProcess {
  readonly pid: number
  stop(): Promise<void>
}

const alive = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of alive) child.kill('SIGKILL')
})

/** The command gets a unix socket as descriptor 3, and says something on it once it is up. Rejects when it does not. */
export async function startIdle(command: readonly string[]): Promise<IdleProcess> {
  const [file, ...args] = [...pinServer, ...command]
  const child = spawn(file!, args, { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] })
  alive.add(child)
  const closed = once(child, 'close').finally(() => alive.delete(child))
  const socket = child.stdio[3] as Socket
  const isUp = await Promise.race([once(socket, 'data').then(() => true), closed.then(() => false)])
  if (!isUp) throw new Error(`${command[0]} ended before it was up`)
  return {
    pid: child.pid!,
    async stop() {
      child.kill('SIGKILL')
      socket.destroy()
      await closed
    },
  }
}
