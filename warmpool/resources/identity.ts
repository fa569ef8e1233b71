/**
 * The name that each worker bears: which process started it, and its number there. It is in the worker's environment,
 * so that what it starts inherits it, and in the name of its cgroups; whoever finds one can tell whether the process
 * that should look after it still lives. A process is its number and its time of start, for numbers are given again,
 * in a PID namespace, for another namespace counts on its own. Empty where the system does not tell (not Linux). The
 * rest nobody can guess: what a function starts under a neighbour's name would count as that one's.
 */
import { randomBytes } from 'node:crypto'
import { readlinkSync } from 'node:fs'
import { readProcess } from './process-table.ts'

let own: { readonly namespace: string; readonly owner: string } | null = null
let workers = 0
/** Of workers of which something may still be there. */
const living = new Set<string>()

const SECRET_BYTES = 12

/** This process: what the names of all its workers begin with. */
export function ownerName(): string {
  return identity().owner
}

export function nextWorkerName(): string {
  const name = `${ownerName()}.${++workers}.${randomBytes(SECRET_BYTES).toString('hex')}`
  living.add(name)
  return name
}

/** Nothing is left of that worker: whoever bears its name from now on has made it up, or was overlooked. */
export function retireName(name: string): void {
  living.delete(name)
}

/** Of a worker of this process. */
export function isLivingName(name: string): boolean {
  return living.has(name)
}

/** Whether a name (of a worker, or of an owner) was given by a process that is gone. Of others' namespaces nothing is known. */
export function isLeftBehind(name: string): boolean {
  const [namespace, pid, startedAt] = name.split('.')
  if (namespace !== identity().namespace || !/^\d+$/.test(pid ?? '') || startedAt === undefined) return false
  return String(readProcess(Number(pid))?.startedAt) !== startedAt
}

function identity(): { readonly namespace: string; readonly owner: string } {
  if (own !== null) return own
  const namespace = pidNamespace()
  const startedAt = readProcess(process.pid)?.startedAt ?? 0
  own = { namespace, owner: namespace === '' ? '' : `${namespace}.${process.pid}.${startedAt}` }
  return own
}

function pidNamespace(): string {
  try {
    return /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? ''
  } catch {
    return ''
  }
}
