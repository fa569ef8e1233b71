/**
 * A process that registers groups with the reaper and can be killed: the reaper's tests run it, since what is tested
 * is what happens after its death. It is told what to do over IPC, one message at a time, and answers each.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { forgetGroup, registerGroup } from '../../warmpool/reaper.ts'

export interface Order {
  /** Starts a group (a process that leads it, and a child of that) and registers it; answered with the pids. */
  readonly start?: true
  /** Registers, or forgets, groups by number. */
  readonly register?: readonly number[]
  readonly forget?: readonly number[]
  /** Ends the IPC channel, so that nothing but what was registered could keep the process alive. */
  readonly letGo?: true
  readonly exit?: true
}

export interface Answer {
  /** Leader first. */
  readonly pids: readonly number[]
}

/** Neither hears of a lost terminal or parent; the leader waits, as a busy worker would. */
const STUBBORN_GROUP = `trap '' HUP TERM INT; sleep 1000 & echo $!; wait; sleep 1000`

process.on('message', async (order: Order) => {
  const pids = order.start === true ? await startGroup() : []
  for (const pid of order.register ?? []) registerGroup(pid)
  for (const pid of order.forget ?? []) forgetGroup(pid)
  if (order.exit === true) process.exit(0)
  process.send!({ pids } satisfies Answer)
  if (order.letGo === true) process.disconnect!()
})

async function startGroup(): Promise<number[]> {
  const leader = spawn('/bin/sh', ['-c', STUBBORN_GROUP], { detached: true, stdio: ['ignore', 'pipe', 'ignore'] })
  registerGroup(leader.pid!)
  const [output] = (await once(leader.stdout, 'data')) as [Buffer]
  leader.stdout.destroy()
  leader.unref()
  return [leader.pid!, Number(output.toString())]
}
