/**
 * Where a program's unix socket is to be: a folder that only this user may enter, with a path short enough for a
 * socket's name. It is removed when this process exits; what processes that were killed have left behind is removed by
 * the next one.
 */
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** What the system takes, with a few to spare. */
const MOST_PATH_BYTES = 100
const NAME = 's'
/** A program may still be about to listen there. */
const LEFT_BEHIND_AFTER_MS = 10 * 60_000
const SWEPT_AT_ONCE = 16

/** The path for the socket. Throws when somebody else has made the folder before. */
export function makeSocketPath(): string {
  const user = process.getuid?.() ?? 0
  const parent = `wrangler-free-${user}`
  const at = [tmpdir(), '/tmp'].find((place) => join(place, parent, 'XXXXXX', NAME).length <= MOST_PATH_BYTES) ?? '/tmp'
  const own = join(at, parent)
  mkdirSync(own, { recursive: true, mode: 0o700 })
  if (statSync(own).uid !== user) throw new Error(`${own} belongs to another user: remove it, or set TMPDIR`)
  const folder = mkdtempSync(`${own}/`)
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  void sweep(own).catch(() => {})
  return join(folder, NAME)
}

async function sweep(parent: string): Promise<void> {
  const old = readdirSync(parent).map((name) => join(parent, name))
  for (const folder of old.filter(isOld).slice(0, SWEPT_AT_ONCE)) {
    if (await isDeaf(join(folder, NAME))) rmSync(folder, { recursive: true, force: true })
  }
}

function isOld(folder: string): boolean {
  const at = statSync(folder, { throwIfNoEntry: false })?.mtimeMs
  return at !== undefined && Date.now() - at > LEFT_BEHIND_AFTER_MS
}

/** Nobody listens there. */
async function isDeaf(path: string): Promise<boolean> {
  const socket = connect({ path })
  try {
    await once(socket, 'connect')
    return false
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return code === 'ECONNREFUSED' || code === 'ENOENT'
  } finally {
    socket.destroy()
  }
}
