/**
 * Whose a sandboxed worker's processes are. Where the gateway is the superuser, each worker has a user and a group of its
 * own that nobody else on the machine has: numbers without a name, far from those that systems and containers give out.
 * All of the sandboxes are then in one user namespace, in which every number means what it means outside: its
 * superuser has rights there and nowhere else. Any other user can only be himself.
 */
import { openSync, readFileSync } from 'node:fs'
import { runToEnd } from '../spawn.ts'

/** The first of 2,048 times 65,536 numbers. What lies beyond 1,879,048,191 systemd gives to nobody. */
const FIRST_USER = 2_000_000_000
const OF_ONE_GATEWAY = 65_536
/** Gateways beside each other are told apart by their processes' numbers. */
const GATEWAYS = 2048

/** Lives until it is killed. Prints its number once there is a namespace with all numbers of this one. */
const OPEN_NAMESPACE = `
unshare --user sleep 60 </dev/null >/dev/null 2>&1 &
pid=$!
own=$(readlink /proc/self/ns/user)
while [ "$(readlink "/proc/$pid/ns/user")" = "$own" ]; do kill -0 "$pid" 2>/dev/null || exit 1; done
for kind in uid gid; do
  map=$(while read -r inside _ count; do echo "$inside $inside $count"; done <"/proc/self/\${kind}_map")
  printf '%s\\n' "$map" >"/proc/$pid/\${kind}_map" || { kill "$pid"; exit 1; }
done
echo "$pid"
`

let namespace: number | null = null
let given = 0
const inUse = new Set<number>()

/** Null: sandboxed workers are this process's own user's. */
export function takeUser(): number | null {
  if (!givesUsers()) return null
  const first = FIRST_USER + (process.pid % GATEWAYS) * OF_ONE_GATEWAY
  let user: number
  do user = first + (given++ % OF_ONE_GATEWAY)
  while (inUse.has(user))
  inUse.add(user)
  return user
}

/** Its processes are gone, and so is its folder. */
export function returnUser(user: number | null): void {
  if (user !== null) inUse.delete(user)
}

export function givesUsers(): boolean {
  return process.getuid?.() === 0
}

/** A path under which programs that this process starts find the namespace; to be called by the superuser. Throws. */
export function userNamespace(): string {
  namespace ??= openNamespace()
  return `/proc/${process.pid}/fd/${namespace}`
}

/** Whether numbers that are nobody's are numbers here: a container may have been given few. */
export function hasUsers(): boolean {
  return ['uid', 'gid'].every((kind) =>
    readFileSync(`/proc/self/${kind}_map`, 'latin1')
      .split('\n')
      .map((line) => line.trim().split(/\s+/).map(Number))
      .some(
        ([inside = 0, , count = 0]) => inside <= FIRST_USER && inside + count > FIRST_USER + GATEWAYS * OF_ONE_GATEWAY,
      ),
  )
}

function openNamespace(): number {
  const { status, stdout, stderr } = runToEnd('/bin/sh', ['-c', OPEN_NAMESPACE])
  const pid = Number(stdout)
  if (status !== 0 || !Number.isInteger(pid) || pid <= 1)
    throw new Error(`no user namespace can be made: ${stderr.trim() || 'unshare --user failed'}`)
  try {
    return openSync(`/proc/${pid}/ns/user`, 'r')
  } finally {
    process.kill(pid, 'SIGKILL')
  }
}
