/**
 * Leaves no worker behind when this process dies, SIGKILL included. A closed fd 3 tells only a worker whose event
 * loop still turns, and a parent-death signal does not reach what the worker itself started; so a tiny shell, in a
 * session of its own, is told every worker's process group through a pipe. When the pipe ends, for whatever reason,
 * it kills all groups that it still knows, what has left them (the worker's cgroup has it, or its environment says so),
 * and itself. One reaper serves the whole process and lives as long as there are workers; if someone kills it, another
 * one is started at once and told everything again.
 */
import type { ChildProcess } from 'node:child_process'
import type { Socket } from 'node:net'
import { ownerName } from './resources/identity.ts'
import { endedHere, startedHere } from './resources/strays.ts'
import { spawnShell } from './spawn.ts'
import { WORKER_VARIABLE } from './wire/variables.ts'

/**
 * Each line is a slot and the group that it holds from now on, and its cgroup if it has one; or no group. Numbered
 * variables, not one list: searching a list of a thousand groups keeps a shell busy for many milliseconds. Up to its last
 * part it forks nothing, for at the end that may fail; and it kills nothing but numbers above 1, for "-1" would be
 * everybody. What is in no group any more comes last, again and again: it may be starting something just now.
 */
const SCRIPT = `
trap '' HUP INT TERM QUIT
slots=0 left=
while read -r slot group folder; do
  eval "group_$slot=\\$group folder_$slot=\\$folder"
  [ "$slot" -lt "$slots" ] || slots=$((slot + 1))
done
at=$slots
while [ "$at" -gt 0 ]; do
  at=$((at - 1))
  eval "group=\\$group_$at"
  [ "\${group:-0}" -gt 1 ] && left=1 && kill -s KILL -- "-$group"
done
at=$slots
while [ "$at" -gt 0 ]; do
  at=$((at - 1))
  eval "folder=\\$folder_$at"
  [ -n "$folder" ] || continue
  [ -e "$folder/cgroup.procs" ] || continue
  if [ -e "$folder/cgroup.kill" ]; then echo 1 >"$folder/cgroup.kill"; continue; fi
  rounds=50
  while [ "$rounds" -gt 0 ]; do
    rounds=$((rounds - 1)) found=
    while read -r pid; do found=1; [ "$pid" -gt 1 ] && kill -s KILL "$pid"; done <"$folder/cgroup.procs"
    [ -n "$found" ] || break
  done
done
[ -n "$left" ] && [ -n "$NAME" ] || exit 0
rounds=50
while [ "$rounds" -gt 0 ]; do
  rounds=$((rounds - 1)) found=
  for file in $(grep -lsF "${WORKER_VARIABLE}=$NAME." /proc/[0-9]*/environ); do
    pid=\${file#/proc/} pid=\${pid%/environ}
    [ "$pid" -gt 1 ] && [ "$pid" != $$ ] && found=1 && kill -s KILL "$pid"
  done
  [ -n "$found" ] || break
done
`

interface Slot {
  readonly number: number
  readonly cgroupPath: string | null
}

/** The slot of every group that is to die with this process. */
const slots = new Map<number, Slot>()
const freeSlots: number[] = []
let shell: ChildProcess | null = null

/** To be called right after a worker was started. */
export function registerGroup(pid: number, cgroupPath: string | null = null): void {
  if (slots.has(pid)) return
  const slot = { number: freeSlots.pop() ?? slots.size, cgroupPath }
  slots.set(pid, slot)
  if (shell === null) startShell()
  else tell(lineOf(pid, slot))
}

/** To be called when the worker and its group are gone. */
export function forgetGroup(pid: number): void {
  const slot = slots.get(pid)
  if (slot === undefined) return
  slots.delete(pid)
  freeSlots.push(slot.number)
  tell(`${slot.number}\n`)
  if (slots.size === 0) stopShell()
}

function startShell(): void {
  const started = spawnShell(SCRIPT, { NAME: ownerName() })
  // The system refuses (no processes or descriptors left): the next registration tries again.
  if (started.pid === undefined) return
  shell = started
  startedHere(started.pid)
  started.unref()
  const stdin = started.stdin as Socket
  stdin.unref()
  stdin.on('error', () => {})
  started.once('exit', () => {
    endedHere(started.pid!)
    if (shell !== started) return
    shell = null
    if (slots.size > 0) startShell()
  })
  tell([...slots].map(([pid, slot]) => lineOf(pid, slot)).join(''))
}

function lineOf(pid: number, { number, cgroupPath }: Slot): string {
  return `${number} ${pid} ${cgroupPath ?? ''}\n`
}

function stopShell(): void {
  shell?.stdin?.end()
  shell = null
}

function tell(line: string): void {
  shell?.stdin?.write(line)
}
