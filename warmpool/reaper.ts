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

const SCRIPT = `
trap '' HUP INT TERM QUIT
groups=' '
while read -r what group; do
  case $what in
    +) groups="$groups$group " ;;
    -) case $groups in *" $group "*) groups="\${groups%% $group *} \${groups#* $group }" ;; esac ;;
  esac
done
for group in $groups; do kill -s KILL -- "-$group"; done
`

const groups = new Set<number>()
let shell: ChildProcess | null = null

/** To be called right after a worker was started. */
export function registerGroup(pid: number): void {
  groups.add(pid)
  if (shell === null) startShell()
  else tell(`+ ${pid}\n`)
}

/** To be called when the worker and its group are gone. */
export function forgetGroup(pid: number): void {
  if (!groups.delete(pid)) return
  tell(`- ${pid}\n`)
  if (groups.size === 0) stopShell()
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
    if (groups.size > 0) startShell()
  })
  tell([...groups].map((pid) => `+ ${pid}\n`).join(''))
}

function stopShell(): void {
  shell?.stdin?.end()
  shell = null
}

function tell(line: string): void {
  shell?.stdin?.write(line)
}
