/**
 * Processes that a worker has started and whose own parent has gone. The system gives them to the nearest ancestor that
 * has asked for them: this process, where there are no cgroups that hold them together and the system lets us ask. Each
 * belongs to the worker whose name is in its environment, or whose session or group it is still in. One that hides
 * whose it is belongs to nobody, and ends; but only where this whole process is ours (the gateway): in another's program
 * it may be the program's own. They are waited for when they end, so that none stays as a zombie.
 */
import { cFunctions } from '../wire/c-library.ts'
import { WORKER_VARIABLE } from '../wire/variables.ts'
import { isLeftBehind, isLivingName, ownerName } from './identity.ts'
import { childrenOf, type ProcessRecord, readProcess, readProcesses, variableOf } from './process-table.ts'

const PROCESSES = {
  prctl: { arguments: ['int32', 'uint64', 'uint64', 'uint64', 'uint64'], return: 'int32' },
  waitpid: { arguments: ['int32', 'pointer', 'int32'], return: 'int32' },
} as const
const PR_SET_CHILD_SUBREAPER = 36
const WNOHANG = 1
/** Of a container, without another that looks after orphans: then everybody's come here, and are not to be ended. */
const IS_FIRST = process.pid === 1

type Functions = NonNullable<ReturnType<typeof cFunctions<typeof PROCESSES>>>

/** Null: not asked yet, or it cannot be had. */
let functions: Functions | null = null
let state: 'unasked' | 'collecting' | 'refused' = 'unasked'
let ownsAll = false
/** What this process has started itself and looks after. */
const started = new Set<number>()
/** Workers that are gone, where what they have left behind can only be found by looking at every process. */
const leftBehind = new Set<string>()
/** Those that had ended already at the last look, by when they had started. */
const zombies = new Map<number, number>()
/** All of them, at the last look. */
let seen: readonly ProcessRecord[] = []
let ownSession: number | undefined
/** Whose a stray is, kept because a process that has ended has no environment. */
const owners = new Map<number, { readonly startedAt: number; readonly worker: string | null }>()

/** Orphans come here, asked for or not. */
export function isGivenStrays(): boolean {
  return IS_FIRST
}

/** Asks the system for them, once. False: they go to the system's first process, and are found by their name only. */
export function collectStrays(): boolean {
  if (state === 'unasked') {
    functions = process.platform === 'linux' ? cFunctions(PROCESSES) : null
    const isTaken = functions !== null && functions.prctl(PR_SET_CHILD_SUBREAPER, 1n, 0n, 0n, 0n) === 0
    state = isTaken ? 'collecting' : 'refused'
  }
  return state === 'collecting'
}

/** All children that this process did not start are some worker's: nobody else in it starts sessions of their own. */
export function ownAllStrays(): void {
  ownsAll = true
}

export function startedHere(pid: number): void {
  started.add(pid)
}

export function endedHere(pid: number): void {
  started.delete(pid)
}

/** Those of one worker, as they were when they were last looked after. */
export function straysSeenOf(worker: string, workerPid: number): ProcessRecord[] {
  return seen.filter((stray) => belongsTo(stray, worker, workerPid))
}

/** Those of one worker that are not gone by now, the ended ones waited for. */
export function straysOf(worker: string, workerPid: number): ProcessRecord[] {
  if (state !== 'collecting') return []
  return adopted().filter((stray) => belongsTo(stray, worker, workerPid) && !(stray.isZombie && reap(stray.pid)))
}

/** By their numbers alone; none where they may be somebody else's than a worker's. */
export function adoptedHere(): number[] {
  if (state !== 'collecting' || !ownsAll || IS_FIRST) return []
  // The bundler, for one.
  const ofThisSession = new Set(seen.flatMap(({ pid, session }) => (session === ownSession ? [pid] : [])))
  return (childrenOf(process.pid) ?? []).filter((pid) => !started.has(pid) && !ofThisSession.has(pid))
}

/** A worker has gone. */
export function leaveBehind(worker: string): void {
  if (state === 'refused') leftBehind.add(worker)
}

/** Waits for those that have ended by themselves, and ends those that hide. To be called now and then. */
export function lookAfterStrays(): void {
  if (leftBehind.size > 0) {
    killByName((worker) => leftBehind.has(worker))
    leftBehind.clear()
  }
  if (state !== 'collecting') return
  ownSession ??= readProcess(process.pid)?.session
  seen = adopted()
  for (const stray of seen) {
    const owner = ownerOf(stray)
    const isOurs = owner?.startsWith(`${ownerName()}.`) === true
    const isKnown = (owner !== null && isLivingName(owner)) || started.has(stray.session)
    if (!isKnown && !isOurs && stray.session === ownSession) continue
    if (stray.isZombie) {
      // Its own children Node waits for at once: what is still there at the next look is nobody's.
      if (isKnown || isOurs || zombies.get(stray.pid) === stray.startedAt) reap(stray.pid)
      // Of ours only those have another name than a living worker's that hide, or that were overlooked.
    } else if (!isKnown && (isOurs || (ownsAll && !IS_FIRST))) killTree(stray.pid)
  }
  zombies.clear()
  for (const { pid, startedAt, isZombie } of seen) if (isZombie) zombies.set(pid, startedAt)
  const pids = new Set(seen.map(({ pid }) => pid))
  for (const pid of owners.keys()) if (!pids.has(pid)) owners.delete(pid)
}

/** Ends what workers of processes that are gone have left behind; to be called when a program begins. */
export function endLeftBehind(): void {
  killByName(isLeftBehind)
}

/** Ends every process on the machine that bears a name that fits. The last resort: it looks at all of them. */
function killByName(fits: (worker: string) => boolean): void {
  for (const pid of readProcesses().keys()) {
    const worker = started.has(pid) ? null : variableOf(pid, WORKER_VARIABLE)
    if (worker !== null && pid !== process.pid && fits(worker)) killProcess(pid)
  }
}

export function killProcess(pid: number): void {
  // 0 and 1 are not what they look like: this process's own group, and the system.
  if (pid <= 1) return
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It is gone, or not ours.
  }
}

/** What it has started would come here only when it has gone, and this process may end before it looks again. */
function killTree(pid: number): void {
  const below = childrenOf(pid) ?? []
  killProcess(pid)
  for (const child of below) killTree(child)
}

function belongsTo(stray: ProcessRecord, worker: string, workerPid: number): boolean {
  return stray.session === workerPid || stray.group === workerPid || ownerOf(stray) === worker
}

/** This process's children that it did not start. */
function adopted(): ProcessRecord[] {
  const children = childrenOf(process.pid) ?? [...readProcesses().values()].flatMap(childOfThis)
  return children.flatMap((pid) => (started.has(pid) ? [] : (readProcess(pid) ?? [])))
}

function childOfThis({ pid, parent }: ProcessRecord): number[] {
  return parent === process.pid ? [pid] : []
}

function ownerOf({ pid, startedAt }: ProcessRecord): string | null {
  const known = owners.get(pid)
  if (known?.startedAt === startedAt) return known.worker
  const worker = variableOf(pid, WORKER_VARIABLE)
  owners.set(pid, { startedAt, worker })
  return worker
}

/** Never one that Node waits for itself: of those it would hear nothing any more. */
function reap(pid: number): boolean {
  return functions!.waitpid(pid, 0n, WNOHANG) === pid
}
