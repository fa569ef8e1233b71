/**
 * Installs what a folder's lockfile names, with npm. No script runs unless that was asked for, and npm is given the two
 * files that it needs and not the folder: settings of its own (`.npmrc`) could name programs that it starts.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, mkdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { Refusal } from './refusal.ts'

const ARGS = ['ci', '--omit=dev', '--no-audit', '--no-fund', '--loglevel=error']
const NEEDED = ['package.json', 'package-lock.json']
const INSTALL_MS = 300_000
const KEPT_CHARS = 2_000

/** Throws `Refusal` that says what npm said. */
export async function installPackages(folder: string, withScripts: boolean): Promise<void> {
  for (const name of NEEDED) {
    const isThere = await stat(join(folder, name)).catch(() => null)
    if (isThere === null) throw new Refusal('unacceptable-upload', `To install its packages the folder needs a ${name}`)
  }
  // No function has a name that begins with a dot, and the folder has the function's.
  const work = join(folder, '..', '.install')
  await mkdir(work)
  try {
    for (const name of NEEDED) await copyFile(join(folder, name), join(work, name))
    await npm(work, withScripts ? ARGS : [...ARGS, '--ignore-scripts'])
    await rm(join(folder, 'node_modules'), { recursive: true, force: true })
    const made = join(work, 'node_modules')
    // A lockfile may name no package at all.
    if ((await stat(made).catch(() => null)) !== null) await rename(made, join(folder, 'node_modules'))
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

async function npm(cwd: string, args: readonly string[]): Promise<void> {
  const { PATH, HOME } = process.env
  const options = { cwd, env: { PATH, HOME, NODE_ENV: 'production' }, timeout: INSTALL_MS } as const
  const child = spawn('npm', args, { ...options, stdio: ['ignore', 'ignore', 'pipe'] })
  const said = text(child.stderr)
  const [code] = await once(child, 'close').catch((error: Error) => {
    throw new Refusal('not-stored', `npm cannot be started (${error.message}): it has to be on the gateway's PATH`)
  })
  if (code === 0) return
  const words = (await said).trim().slice(-KEPT_CHARS)
  throw new Refusal('build-failed', `npm could not install its packages: ${words.split('\n', 1)[0]}`, words)
}
