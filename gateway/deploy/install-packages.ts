/**
 * Installs what a folder's lockfile names, with npm. No script runs unless that was asked for, and npm is given the two
 * files that it needs and not the folder: settings of its own (`.npmrc`) could name programs that it starts.
 */
import { existsSync, realpathSync } from 'node:fs'
import { copyFile, mkdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { ConfinedRunError, runConfined } from '../../warmpool/index.ts'
import runNpm, { type NpmEnded, type NpmRun } from './npm-process.ts'
import { Refusal } from './refusal.ts'

const MODULE = new URL(`./npm-process.${import.meta.url.endsWith('.js') ? 'js' : 'ts'}`, import.meta.url).href

const ARGS = ['ci', '--omit=dev', '--no-audit', '--no-fund', '--loglevel=error']
const NEEDED = ['package.json', 'package-lock.json']
const INSTALL_MS = 300_000
const INSTALL_BYTES = 2 * 1024 ** 3
const TIME_LIMIT = 'its time limit'

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
    await npm(work, withScripts ? ARGS : [...ARGS, '--ignore-scripts'], !withScripts)
    await rm(join(folder, 'node_modules'), { recursive: true, force: true })
    const made = join(work, 'node_modules')
    // A lockfile may name no package at all.
    if ((await stat(made).catch(() => null)) !== null) await rename(made, join(folder, 'node_modules'))
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

async function npm(cwd: string, args: readonly string[], isConfined: boolean): Promise<void> {
  const { PATH = '', HOME = '' } = process.env
  const env = { PATH, HOME, NODE_ENV: 'production' }
  const { code, signal, words } = await (isConfined ? confinedNpm(cwd, args, env) : plainNpm({ cwd, args, env }))
  if (code === 0) return
  if (signal !== null)
    throw new Refusal('not-stored', `npm was ended by ${signal} while it installed packages: deploy again`)
  if (code === null)
    throw new Refusal('not-stored', `npm cannot be started (${words}): it has to be on the gateway's PATH`)
  throw new Refusal('build-failed', `npm could not install its packages: ${words.split('\n', 1)[0]}`, words)
}

/** With scripts it runs whatever they are, with the gateway's rights: only who may admin asks for that. */
async function plainNpm(run: NpmRun): Promise<NpmEnded> {
  const deadline = new Promise<NpmEnded>((resolve) => {
    setTimeout(() => resolve({ code: null, signal: TIME_LIMIT, words: '' }), INSTALL_MS).unref()
  })
  return Promise.race([runNpm(run), deadline])
}

/**
 * A lockfile may name files, folders and repositories of this machine as packages. So npm reads the system, its own
 * settings and its cache, and writes the cache and the folder that it installs into.
 */
async function confinedNpm(cwd: string, args: readonly string[], own: NpmRun['env']): Promise<NpmEnded> {
  const cache = join(own.HOME!, '.npm')
  const settings = join(own.HOME!, '.npmrc')
  await mkdir(cache, { recursive: true }).catch(() => {})
  const env = { ...own, npm_config_cache: cache, npm_config_userconfig: settings, HOME: cwd, TMPDIR: cwd }
  try {
    const { output } = await runConfined<NpmEnded>({
      module: MODULE,
      input: { cwd, args, env } satisfies NpmRun,
      read: [settings, ...programs(own.PATH!)],
      write: [cwd, cache],
      isProgram: true,
      memoryBytes: INSTALL_BYTES,
      timeoutMs: INSTALL_MS,
    })
    return output
  } catch (error) {
    if (!(error instanceof ConfinedRunError)) throw error
    const code = error.reason === 'lost' || error.reason === 'reported' ? 'not-stored' : 'build-failed'
    throw new Refusal(code, `npm did not install its packages: ${error.message}`)
  }
}

/** npm and the Node that it runs in, by the folders of their packages where they are not the system's. */
function programs(path: string): string[] {
  const places = ['npm', 'node'].flatMap((name) => path.split(':').map((folder) => join(folder, name)))
  const found = places.filter((file) => existsSync(file)).map((file) => realpathSync(file))
  // `…/npm/bin/npm-cli.js` needs all of `…/npm`.
  return [...places, ...found, ...found.filter((file) => file.endsWith('.js')).map((file) => dirname(dirname(file)))]
}
