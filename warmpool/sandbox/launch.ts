/**
 * How a worker is started in a sandbox: by bubblewrap, in namespaces of its own, over nothing but the system read-only
 * and its runtime. A blank sees the whole machine beside that, at a place of its own, until it knows its function: then it
 * mounts what is the function's, lets go of the rest and gives up the right to mount (enter-sandbox.ts). A runtime that
 * cannot do that is started for its function, with what is the function's, without any right, and with the filter for
 * system calls.
 */
import { existsSync, lstatSync, readlinkSync, realpathSync, writeSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { compileCacheFolder } from '../compile-cache.ts'
import { filterFor } from '../confinement.ts'
import { type MemoryFile, openMemoryFile } from '../memory-file.ts'
import { makeFolderAtTmp, makePrivateFolder, removePrivateFolder } from '../private-folder.ts'
import type { Command } from '../spawn.ts'
import type { Mechanism } from '../wire/messages.ts'
import { DEVICES } from '../wire/system-paths.ts'
import { SYSTEM_DOOR } from '../wire/variables.ts'
import { mountsFor, SHOWN_OF_SYSTEM } from './mounts.ts'
import { findProgram, placesOf } from './programs.ts'
import { givesUsers, returnUser, takeUser, userNamespace } from './users.ts'

export interface SandboxKind {
  readonly network: 'all' | 'none'
  /** What is mounted when it starts; null: its worker mounts it when it knows its function. */
  readonly own: { readonly readable: readonly string[]; readonly writable: readonly string[] } | null
}

/** Where a blank sees the whole machine. */
const HOST = '/.host'
const MOUNTING = ['--bind', '--ro-bind']
/** Behind fd 3 and fd 4. */
const FILTER_FD = 5

/** By the namespaces alone. */
const OF_BLANKS: Readonly<Record<'all' | 'none', readonly Mechanism[]>> = {
  all: ['files', 'signals'],
  none: ['files', 'signals', 'abstract-sockets'],
}

/** Throws where there is no bubblewrap, or no user namespace. */
export function inSandbox(command: Command, { network, own }: SandboxKind): Command {
  return own === null ? blankIn(command, network) : startedFor(command, network, own)
}

/** What starts a program in it, up to the program's own name. Throws. */
export function launcher(
  network: 'all' | 'none',
  rights: readonly string[],
  mounts: readonly string[],
  last: readonly string[] = [],
  first: readonly string[] = [],
): string[] {
  const bwrap = findProgram('bwrap')
  if (bwrap === null) throw new Error('bubblewrap is not installed (no `bwrap` in PATH)')
  return [
    ...(givesUsers() ? ['nsenter', `--user=${userNamespace()}`, '--', bwrap] : [bwrap, '--unshare-user']),
    ...['--unshare-pid', '--unshare-ipc', '--unshare-uts', '--unshare-cgroup-try'],
    ...(network === 'none' ? ['--unshare-net'] : []),
    ...['--die-with-parent', '--chdir', '/'],
    ...first,
    ...openFolders([...system(), ...mounts]),
    ...['--proc', '/proc', ...devices()],
    ...['--cap-drop', 'ALL', ...rights.flatMap((right) => ['--cap-add', right])],
    ...last,
    '--',
  ]
}

function blankIn(command: Command, network: 'all' | 'none'): Command {
  const { file, args, env } = command
  const cache = compileCacheFolder()
  // What only this runtime needs goes with the rest of the machine.
  const hidden = (text: string): string => (cache === null ? text : text.replace(cache, `${HOST}${cache}`))
  const places = placesOf(file, args).filter((place) => hidden(place) === place)
  const rights = ['CAP_SYS_ADMIN', ...(givesUsers() ? ['CAP_SETUID', 'CAP_SETGID'] : [])]
  const shown = [...places, ...besideMain(args)]
  const mounts = [...readOnly(shown), '--bind', '/', HOST]
  const [first, ...rest] = [...launcher(network, rights, mounts), findProgram(file) ?? file, ...args.map(hidden)]
  return {
    file: first!,
    args: rest,
    env: Object.fromEntries(
      Object.entries(env).map(([name, value]) => [name, name === SYSTEM_DOOR ? `${HOST}${value}` : hidden(value)]),
    ),
    sandbox: { user: takeUser(), folder: null, host: HOST, given: OF_BLANKS[network], shown, filterFile: null },
  }
}

function startedFor(command: Command, network: 'all' | 'none', own: NonNullable<SandboxKind['own']>): Command {
  const user = takeUser()
  const folder = folderOf(user)
  try {
    return startedIn(command, network, own, user, folder)
  } catch (error) {
    removePrivateFolder(folder)
    returnUser(user)
    throw error
  }
}

function startedIn(
  { file, args, env }: Command,
  network: 'all' | 'none',
  own: NonNullable<SandboxKind['own']>,
  user: number | null,
  folder: string,
): Command {
  const filter = filterFile()
  const rights = user === null ? [] : ['CAP_SETUID', 'CAP_SETGID', 'CAP_SETPCAP']
  const door = env[SYSTEM_DOOR]
  const needed = [...placesOf(file, args), ...besideMain(args), ...(door === undefined ? [] : [door])]
  const mounts = mountsFor([...needed, ...own.readable], [...own.writable, folder])
  const [first, ...rest] = [
    ...launcher(
      network,
      rights,
      mounts.flatMap(({ from, at, isWritable }) => [isWritable ? '--bind' : '--ro-bind', from, at]),
      ['--remount-ro', '/', ...(filter === null ? [] : ['--seccomp', String(FILTER_FD)])],
      ['--bind', makeFolderAtTmp(folder, user), '/tmp'],
    ),
    ...becoming(user),
    findProgram(file) ?? file,
    ...args,
  ]
  const { NODE_COMPILE_CACHE: _cache, ...others } = env
  const ofFilter: Mechanism[] = filter === null ? [] : ['system-calls']
  const given: Mechanism[] = ['namespaces', 'privileges', ...OF_BLANKS[network], ...ofFilter]
  return {
    file: first!,
    args: rest,
    env: { ...others, HOME: folder, TMPDIR: folder },
    sandbox: { user, folder, host: null, given, shown: [], filterFile: filter },
  }
}

function folderOf(user: number | null): string {
  try {
    return makePrivateFolder(user)
  } catch (error) {
    returnUser(user)
    throw error
  }
}

/** A command in front of the program, where it is to be another user's. */
function becoming(user: number | null): string[] {
  if (user === null) return []
  const none = ['--inh-caps=-all', '--ambient-caps=-all', '--bounding-set=-all']
  return ['setpriv', `--reuid=${user}`, `--regid=${user}`, '--clear-groups', ...none]
}

/** Not bubblewrap's own: with terminals, it would end in a user namespace that has no rights over its mounts. */
function devices(): string[] {
  const links = [
    ['fd', 'fd'],
    ['stdin', 'fd/0'],
    ['stdout', 'fd/1'],
    ['stderr', 'fd/2'],
  ] as const
  return [
    ...['--perms', '0755', '--tmpfs', '/dev'],
    ...DEVICES.flatMap((path) => ['--dev-bind', path, path]),
    ...links.flatMap(([name, target]) => ['--symlink', `/proc/self/${target}`, `/dev/${name}`]),
    ...['--perms', '0755', '--dir', '/dev/shm', '--remount-ro', '/dev'],
  ]
}

/** Mounts are options with two arguments; folders above them that bubblewrap has to make it would close to other users. */
function openFolders(options: readonly string[]): string[] {
  const made = new Set<string>()
  const folders: string[] = []
  for (let at = 0; at < options.length; at++) {
    if (!MOUNTING.includes(options[at]!)) continue
    const path = options[at + 2]!
    for (const above of foldersAbove(path)) if (!made.has(above)) folders.push(...['--perms', '0755', '--dir', above])
    for (const one of [path, ...foldersAbove(path)]) made.add(one)
  }
  return [...folders, ...options]
}

/** From the top. */
function foldersAbove(path: string): string[] {
  const above = dirname(path)
  return above === '/' ? [] : [...foldersAbove(above), above]
}

/** A link between what is shown stays one, so that both names are the same place; others are what they lead to. */
function system(): string[] {
  return SHOWN_OF_SYSTEM.filter((path) => existsSync(path)).flatMap((path) => {
    if (dirname(path) !== '/' || !lstatSync(path).isSymbolicLink()) return ['--ro-bind', realpathSync(path), path]
    return ['--symlink', readlinkSync(path), path]
  })
}

function readOnly(paths: readonly string[]): string[] {
  return mountsFor(paths, []).flatMap(({ from, at }) => ['--ro-bind', from, at])
}

/** Python's own modules are loaded when they are needed. */
function besideMain(args: readonly string[]): string[] {
  const main = args.find((arg) => arg.endsWith('/main.py'))
  return main === undefined ? [] : [join(dirname(main), 'wrangler_free')]
}

let filter: MemoryFile | null | undefined

/** To be opened anew for each process that reads it. Null where this processor's system calls are not known. */
function filterFile(): string | null {
  if (filter === undefined) {
    const text = filterFor('all')
    filter = text === null ? null : fileOf(Buffer.from(text, 'base64'))
  }
  return filter === null ? null : `/proc/self/fd/${filter.fd}`
}

function fileOf(bytes: Buffer): MemoryFile {
  const file = openMemoryFile(bytes.length)
  writeSync(file.fd, bytes, 0, bytes.length, 0)
  return file
}
