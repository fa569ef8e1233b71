/**
 * Tries what no function should get away with, each by name, and answers what came of it as text: `done: …`, or the
 * error's code. What is tried is harmless where it succeeds, except to who is named in the query.
 */
import { spawn, spawnSync } from 'node:child_process'
import dgram from 'node:dgram'
import {
  chmodSync,
  existsSync,
  linkSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'

const ATTACKS = {
  read: ({ path }) => readFileSync(path, 'latin1').slice(0, 40),
  /** In libuv's own threads. */
  'read-pooled': async ({ path }) => (await readFile(path, 'latin1')).slice(0, 40),
  'read-by-child': ({ path }) => checked(spawnSync('/bin/cat', [path])),
  'read-by-link': ({ path }) => {
    const link = join(tmpdir(), `link-${Math.random()}`)
    symlinkSync(path, link)
    return readFileSync(link, 'latin1').slice(0, 40)
  },
  'read-by-hard-link': ({ path }) => {
    const link = join(tmpdir(), `link-${Math.random()}`)
    linkSync(path, link)
    return readFileSync(link, 'latin1').slice(0, 40)
  },
  write: ({ path }) => writeFileSync(path, 'poisoned'),
  'write-by-child': ({ path }) => checked(spawnSync('/bin/sh', ['-c', `echo poisoned > ${path}`])),
  'write-own': () => {
    const path = join(tmpdir(), 'own')
    writeFileSync(path, 'mine')
    return readFileSync(path, 'latin1')
  },
  temporary: () => tmpdir(),
  list: ({ path }) => readdirSync(path).join(' '),
  signal: ({ pid, signal }) => process.kill(Number(pid), signal === '0' ? 0 : signal),
  'signal-by-child': ({ pid }) => checked(spawnSync('/bin/sh', ['-c', `kill -0 ${pid}`])),
  trace: ({ pid }) => native('ptrace', [16, Number(pid), 0, 0]),
  'read-memory': ({ pid }) => native('process_vm_readv', [Number(pid), 0, 0, 0, 0, 0]),
  limits: ({ pid }) => checked(spawnSync('/usr/bin/prlimit', ['--pid', pid, '--nofile=1024'])),
  /** A session of its own. */
  linger: () => {
    const child = spawn('/bin/sleep', ['1000'], { detached: true, stdio: 'ignore' })
    child.unref()
    return child.pid
  },
  descriptors: () =>
    readdirSync('/proc/self/fd')
      .filter((fd) => Number(fd) > 4 && existsSync(`/proc/self/fd/${fd}`))
      .map((fd) => readlinkSync(`/proc/self/fd/${fd}`))
      .join(' '),
  connect: ({ host, port }) => connected(connect({ host, port: Number(port) })),
  'connect-abstract': ({ name }) => connected(connect({ path: `\0${name}` })),
  datagram: () =>
    new Promise((resolve, reject) => {
      const socket = dgram.createSocket('udp4')
      socket.once('error', reject)
      socket.bind(0, () => socket.close(() => resolve('')))
    }),
  namespace: () => checked(spawnSync('/usr/bin/unshare', ['--user', '--map-root-user', '/bin/true'])),
  mode: ({ path }) => chmodSync(path, 0o600),
  times: ({ path }) => utimesSync(path, 0, 0),
  size: ({ path }) => statSync(path).size,
  'command-lines': () =>
    readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name) && existsSync(`/proc/${name}/cmdline`))
      .map((pid) => readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0').join(' '))
      .join('\n'),
  'connect-file': ({ path }) => connected(connect({ path })),
  interfaces: () => Object.keys(networkInterfaces()).join(' '),
  user: () => `${process.getuid()} ${process.getgid()} ${process.getgroups().join(',')}`,
  namespaces: () =>
    ['mnt', 'pid', 'ipc', 'uts', 'user', 'net'].map((name) => readlinkSync(`/proc/self/ns/${name}`)).join(' '),
  /** Of a thread that was there before any code of ours: what native code could take over. */
  threads: () =>
    readdirSync('/proc/self/task')
      .map((thread) => /^Seccomp:\s*(\d)/m.exec(readFileSync(`/proc/self/task/${thread}/status`, 'latin1'))[1])
      .join(''),
}

export default async (request) => {
  const { attack, ...aims } = Object.fromEntries(new URL(request.url).searchParams)
  try {
    return new Response(`done: ${(await ATTACKS[attack](aims)) ?? ''}`)
  } catch (error) {
    return new Response(error.code ?? error.message)
  }
}

const CODES = {
  EACCES: /denied|not permitted/i,
  ENOENT: /no such file|nonexistent/i,
  ESRCH: /no such process/i,
  EROFS: /read-only/i,
}

function checked({ status, stderr, stdout }) {
  if (status === 0) return stdout.toString('latin1').slice(0, 40)
  throw Object.assign(new Error(stderr.toString()), {
    code: Object.entries(CODES).find(([, words]) => words.test(stderr))?.[0] ?? stderr.toString(),
  })
}

const NUMBERS = { x64: { ptrace: 101, process_vm_readv: 310 }, arm64: { ptrace: 117, process_vm_readv: 270 } }

function native(name, values) {
  const words = ['int64', 'int64', 'int64', 'int64', 'int64', 'int64', 'int64']
  const { functions } = process.getBuiltinModule('node:ffi').dlopen('libc.so.6', {
    syscall: { arguments: words, return: 'int64' },
  })
  const all = [NUMBERS[process.arch][name], ...values, 0, 0, 0, 0].slice(0, 7).map(BigInt)
  const result = functions.syscall(...all)
  if (result < 0n) throw Object.assign(new Error(name), { code: 'EPERM' })
}

function connected(socket) {
  return new Promise((resolve, reject) => {
    socket.once('connect', () => {
      socket.destroy()
      resolve('')
    })
    socket.once('error', reject)
  })
}
