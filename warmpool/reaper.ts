/**
 * Leaves no worker behind when this process dies, SIGKILL included. A closed fd 3 tells only a worker whose event
 * loop still turns, and a parent-death signal does not reach what the worker itself started; so a tiny shell, in a
 * session of its own, is told every worker's process group through a pipe. When the pipe ends, for whatever reason,
 * it kills all groups that it still knows, and itself. One reaper serves the whole process and lives as long as there
 * are workers; if someone kills it, another one is started at once and told everything again.
 */
import type { ChildProcess } from 'node:child_process'
import type { Socket } from 'node:net'
import { spawnShell } from './spawn.ts'

/**
 * Each line is a slot and the group that it holds from now on, or no group. Numbered variables, not one list: searching
 * a list of a thousand groups keeps a shell busy for many milliseconds. It forks nothing, for at the end that may fail,
 * and kills nothing but a number above 1: "-1" would be everybody.
 */
const SCRIPT = `
trap '' HUP INT TERM QUIT
slots=0
while read -r slot group; do
  eval "group_$slot=\\$group"
  [ "$slot" -lt "$slots" ] || slots=$((slot + 1))
done
while [ "$slots" -gt 0 ]; do
  slots=$((slots - 1))
  eval "group=\\$group_$slots"
  [ "\${group:-0}" -gt 1 ] && kill -s KILL -- "-$group"
done
`

/** The slot of every group that is to die with this process. */
const slots = new Map<number, number>()
const freeSlots: number[] = []
let shell: ChildProcess | null = null

/** To be called right after a worker was started. */
export function registerGroup(pid: number): void {
  if (slots.has(pid)) return
  const slot = freeSlots.pop() ?? slots.size
  slots.set(pid, slot)
  if (shell === null) startShell()
  else tell(`${slot} ${pid}\n`)
}

/** To be called when the worker and its group are gone. */
export function forgetGroup(pid: number): void {
  const slot = slots.get(pid)
  if (slot === undefined) return
  slots.delete(pid)
  freeSlots.push(slot)
  tell(`${slot}\n`)
  if (slots.size === 0) stopShell()
}

function startShell(): void {
  const started = spawnShell(SCRIPT)
  // The system refuses (no processes or descriptors left): the next registration tries again.
  if (started.pid === undefined) return
  shell = started
  started.unref()
  const stdin = started.stdin as Socket
  stdin.unref()
  stdin.on('error', () => {})
  started.once('exit', () => {
    if (shell !== started) return
    shell = null
    if (slots.size > 0) startShell()
  })
  tell([...slots].map(([pid, slot]) => `${slot} ${pid}\n`).join(''))
}

function stopShell(): void {
  shell?.stdin?.end()
  shell = null
}

function tell(line: string): void {
  shell?.stdin?.write(line)
}
