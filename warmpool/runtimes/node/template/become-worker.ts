/**
 * What a forked process does before anything else, so that nothing in it is its template's any more: its own wire,
 * journal and output, a session of its own, an event loop of its own, its own number, name, clock and randomness. Threads are
 * not forked: V8 was told to need none, and this process ends without waiting for those that it believes to have.
 */
import { closeSync, openSync } from 'node:fs'
import { inspect } from 'node:util'
import { TEMPLATE_ARGUMENTS } from '../../../wire/variables.ts'
import { neverLeaveLoop } from '../empty-loop.ts'
import { leaveSharedMemory, showName } from './own-memory.ts'
import { seedRandomness } from './random-seeds.ts'
import { type Birth, type TemplateCalls, targetOf } from './serve-forks.ts'

const FIRST_FD = 1
/** From the wire on, what it starts itself inherits none. */
const FIRST_OWN_FD = 3
const O_CLOEXEC = 0o2000000
/** Node's own exit codes. */
const UNCAUGHT = 1
const HANDLER_THREW = 7

export function becomeWorker(
  { calls, name, seed, descriptors, closing, inherited, memory }: Birth,
  nameVariable: string,
): void {
  for (const descriptor of closing) calls.close(descriptor)
  for (const [index, descriptor] of descriptors.entries()) {
    const own = FIRST_FD + index
    if (own < FIRST_OWN_FD) calls.dup2(descriptor, own)
    else calls.dup3(descriptor, own, O_CLOEXEC)
    calls.close(descriptor)
  }
  calls.setsid()
  leaveSharedMemory(calls, memory)
  takeLoop(calls, inherited)
  process.env[nameVariable] = name
  if (!showName(calls, memory, name)) calls._exit(1)
  // What it starts with its own arguments has threads of its own.
  process.execArgv = process.execArgv.filter((argument) => !TEMPLATE_ARGUMENTS.includes(argument))
  takeNumber(Number(calls.getpid()))
  takeClock()
  seedRandomness(seed)
  endWithoutThreads((code) => calls._exit(code))
  neverLeaveLoop()
}

/**
 * Siblings would reach each other by what all of them have from their template. Pipes are told apart by their numbers; of
 * what has none, the old is made unusable before there is anything new. Nothing is closed: what was not forked still knows
 * its descriptor, and another file would be there soon.
 */
function takeLoop(calls: TemplateCalls, inherited: ReadonlyMap<number, string>): void {
  const nothing = openSync('/dev/null', 'r+')
  for (const [descriptor, target] of inherited)
    if (target.startsWith('anon_inode:')) calls.dup3(nothing, descriptor, O_CLOEXEC)
  const loop = calls.uv_default_loop() as bigint
  calls.uv_loop_fork(loop)
  calls.uv_update_time(loop)
  for (const [descriptor, target] of inherited)
    if (!target.startsWith('anon_inode:') && target === targetOf(descriptor)) calls.dup3(nothing, descriptor, O_CLOEXEC)
  closeSync(nothing)
}

function takeNumber(pid: number): void {
  Object.defineProperty(process, 'pid', { value: pid, enumerable: true, configurable: true, writable: false })
}

function takeClock(): void {
  const { uptime } = process
  const bornAt = uptime()
  process.uptime = () => uptime() - bornAt
}

/** Node would wait at its end for threads that were not forked. */
function endWithoutThreads(exit: (code: number) => void): void {
  const own = process as unknown as {
    reallyExit(code?: number): void
    _fatalException(error: unknown, isRejection: boolean): boolean
  }
  own.reallyExit = (code) => exit(code ?? Number(process.exitCode ?? 0))
  const fatalException = own._fatalException
  own._fatalException = (error, isRejection) => {
    let uncaught = error
    let code: unknown
    try {
      if (fatalException.call(process, error, isRejection)) return true
      code = process.exitCode ?? UNCAUGHT
    } catch (thrown) {
      uncaught = thrown
      code = HANDLER_THREW
    }
    tellUncaught(uncaught, () => exit(Number(code)))
    return false
  }
}

/** Whatever it is, and whatever the function has done to what it is told by. */
function tellUncaught(error: unknown, then: () => void): void {
  try {
    process.stderr.write(`Uncaught ${shown(error)}\n\nNode.js ${process.version}\n`)
  } finally {
    then()
  }
}

function shown(error: unknown): string {
  try {
    return inspect(error)
  } catch {
    return 'what cannot be shown'
  }
}
