/**
 * Whether this machine lets this user have sandboxes: found out by starting one with nothing in it. What it says is kept,
 * a no for a while only: what was missing may be installed meanwhile.
 */
import { readFileSync } from 'node:fs'
import { runToEnd } from '../spawn.ts'
import { launcher } from './launch.ts'
import { givesUsers, hasUsers } from './users.ts'

const ASKED_AGAIN_AFTER_MS = 5_000

const answers = new Map<'all' | 'none', { readonly why: string | null; readonly atMs: number }>()

/** Null: they can be had. Else why not, and the way out. The first question stops this thread for some tens of milliseconds. */
export function noSandboxBecause(network: 'all' | 'none'): string | null {
  const known = answers.get(network)
  const nowMs = performance.now()
  if (known !== undefined && (known.why === null || nowMs - known.atMs < ASKED_AGAIN_AFTER_MS)) return known.why
  const why = tryOne(network)
  answers.set(network, { why, atMs: nowMs })
  return why
}

/** The last answer, without asking anew; null too where nobody has asked. */
export function lastAnswer(network: 'all' | 'none'): string | null {
  return answers.get(network)?.why ?? null
}

function tryOne(network: 'all' | 'none'): string | null {
  if (process.platform !== 'linux') return `sandboxes are Linux's, and this is ${process.platform}`
  if (givesUsers() && !hasUsers())
    return 'this container has too few user numbers for one of each worker’s own: run the gateway as an ordinary user'
  try {
    const [file, ...args] = [...launcher(network, ['CAP_SYS_ADMIN'], ['--bind', '/', '/.host']), '/bin/true']
    const { status, stderr } = runToEnd(file!, args)
    return status === 0 ? null : `bubblewrap cannot make one: ${stderr.trim().split('\n')[0]}${wayOut()}`
  } catch (error) {
    const { message } = error as Error
    return /not installed/.test(message) ? `${message}: \`apt install bubblewrap\`` : `${message}${wayOut()}`
  }
}

/** What keeps namespaces from people, as far as the system tells. */
function wayOut(): string {
  if (setting('kernel/unprivileged_userns_clone') === '0')
    return '. `sysctl kernel.unprivileged_userns_clone=1` allows it'
  if (setting('user/max_user_namespaces') === '0')
    return '. `sysctl user.max_user_namespaces` is 0: set it to some thousands'
  if (setting('kernel/apparmor_restrict_unprivileged_userns') === '1')
    return '. AppArmor allows user namespaces to named programs only: give bwrap a profile with `userns,`, or `sysctl kernel.apparmor_restrict_unprivileged_userns=0`'
  return '. In a container, its rules for system calls may forbid `unshare` and `mount`'
}

function setting(name: string): string | null {
  try {
    return readFileSync(`/proc/sys/${name}`, 'latin1').trim()
  } catch {
    return null
  }
}
