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
  watch,
  writeFileSync,
} from 'node:fs'
import { readFile } from 'node:fs/promises'
import { get } from 'node:http'
import { connect, createServer } from 'node:net'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'

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
  /** Hard-coded, by itself, by a child. */
  'write-tmp': () => {
    const path = `/tmp/wrangler-free-attack-${process.pid}`
    writeFileSync(path, 'mine')
    return checked(spawnSync('/bin/sh', ['-c', `cat ${path} && rm ${path}`]))
  },
  'list-tmp': () => readdirSync('/tmp').join(' '),
  list: ({ path }) => readdirSync(path).join(' '),
  signal: ({ pid, signal }) => process.kill(Number(pid), signal === '0' ? 0 : signal),
  'signal-by-child': ({ pid }) => checked(spawnSync('/bin/sh', ['-c', `kill -0 ${pid}`])),
  trace: ({ pid, door }) => native(door, 'ptrace', [16, pid, 0, 0]),
  'read-memory': ({ pid, door }) => native(door, 'process_vm_readv', [pid, 0, 0, 0, 0]),
  /** Of System V: IPC_PRIVATE, so that nothing of anybody's is touched. What could be made is removed again. */
  'shared-memory': ({ door }) => native(door, 'shmctl', [native(door, 'shmget', [0, 4096, 0o1600]), 0, 0]),
  'message-queue': ({ door }) => native(door, 'msgctl', [native(door, 'msgget', [0, 0o1600]), 0, 0]),
  semaphores: ({ door }) => native(door, 'semctl', [native(door, 'semget', [0, 1, 0o1600]), 0, 0, 0]),
  /** O_CREAT | O_RDWR */
  'posix-queue': ({ door }) => {
    const name = Buffer.from('attack\0')
    native(door, 'mq_open', [name, 0o102, 0o600, 0])
    native(door, 'mq_unlink', [name])
  },
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
  /** Files with a name that this process has open for writing. */
  'open-files': () =>
    readdirSync('/proc/self/fd')
      .filter((fd) => existsSync(`/proc/self/fd/${fd}`))
      .filter((fd) => /^flags:\s*\d*[12]$/m.test(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1')))
      .map((fd) => readlinkSync(`/proc/self/fd/${fd}`))
      .filter((file) => file.startsWith('/') && !/^\/dev\/null$|\(deleted\)$/.test(file))
      .join(' '),
  connect: ({ host, port }) => connected(connect({ host, port: Number(port) })),
  listen: () =>
    new Promise((resolve, reject) => {
      const server = createServer().once('error', reject)
      server.listen(0, () => server.close(() => resolve('')))
    }),
  /** `struct sockaddr_in` of any port on every address. */
  'listen-by-native': ({ door }) => {
    const socket = native(door, 'socket', [2, 1, 0])
    native(door, 'bind', [socket, Buffer.from([2, ...Array(15).fill(0)]), 16])
    native(door, 'listen', [socket, 1])
  },
  'listen-by-child': () =>
    checked(spawnSync('/usr/bin/python3', ['-c', 'import socket; socket.create_server(("", 0))'])),
  /** What Go's servers ask for. */
  'open-multipath': ({ door }) => {
    native(door, 'socket', [2, 1, 262])
  },
  /** Not every runtime knows such addresses, and the system does. */
  'connect-abstract': ({ name, door }) => {
    const address = Buffer.from(`\x01\0\0${name}`)
    native(door, 'connect', [native(door, 'socket', [1, 1, 0]), address, address.length])
  },
  fetch: async ({ url }) => {
    const response = await fetch(url)
    return `${response.status} ${(await response.text()).trim()}`
  },
  'fetch-by-http': ({ url }) =>
    new Promise((resolve, reject) => {
      get(url, async (response) => resolve(`${response.statusCode} ${(await text(response)).trim()}`)).on(
        'error',
        reject,
      )
    }),
  'fetch-by-child': ({ url }) => checked(spawnSync('curl', ['-sS', '--max-time', '10', url])),
  proxy: () => process.env.HTTP_PROXY.replace(/^.*:/, ''),
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
  watch: ({ path }) => watch(path).close(),
  'command-lines': () =>
    readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map((pid) => {
        try {
          return readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0').join(' ')
        } catch {
          return 'it has ended meanwhile'
        }
      })
      .join('\n'),
  'connect-file': ({ path }) => connected(connect({ path })),
  interfaces: () => Object.keys(networkInterfaces()).join(' '),
  user: () => `${process.getuid()} ${process.getgid()} ${process.getgroups().join(',')}`,
  namespaces: () =>
    ['mnt', 'pid', 'ipc', 'uts', 'user', 'net'].map((name) => readlinkSync(`/proc/self/ns/${name}`)).join(' '),
  /** Of each thread: what native code could take over. What it cannot gain, what it may call, what it may do as root. */
  threads: () =>
    readdirSync('/proc/self/task')
      .map((thread) => readFileSync(`/proc/self/task/${thread}/status`, 'latin1'))
      .map((status) => {
        const field = (name) => new RegExp(`^${name}:\\s*(\\w+)`, 'm').exec(status)[1]
        const beyond = BigInt(`0x${field('CapEff')}`) & ~0x4fbn
        return `${field('NoNewPrivs')}${field('Seccomp')}${beyond === 0n ? '' : '+'}`
      })
      .join(' '),
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

const NUMBERS = {
  x64: {
    bind: 49,
    connect: 42,
    listen: 50,
    mq_open: 240,
    mq_unlink: 241,
    msgctl: 71,
    msgget: 68,
    process_vm_readv: 310,
    ptrace: 101,
    semctl: 66,
    semget: 64,
    shmctl: 31,
    shmget: 29,
    socket: 41,
  },
  arm64: {
    bind: 200,
    connect: 203,
    listen: 201,
    mq_open: 180,
    mq_unlink: 181,
    msgctl: 187,
    msgget: 186,
    process_vm_readv: 270,
    ptrace: 117,
    semctl: 191,
    semget: 190,
    shmctl: 195,
    shmget: 194,
    socket: 198,
  },
}
const REFUSED = { 1: 'EPERM', 13: 'EACCES' }

/** By native code, as a package may bring it: `door` is a file of warmpool/system-door/. */
function native(door, name, values) {
  const module = { exports: {} }
  process.dlopen(module, door)
  const words = new BigInt64Array(1024)
  const call = (number, given) => {
    words.set([number, ...given].map(BigInt))
    module.exports(words.buffer)
    return words[6]
  }
  // A call that says no more than where the memory is; bytes are put into it.
  call(NUMBERS[process.arch].socket, [-1, 0, 0])
  const at = words[7] + 4096n
  const plain = values.map((value) => {
    if (!Buffer.isBuffer(value)) return value
    Buffer.from(words.buffer, 4096).set(value)
    return at
  })
  const result = call(NUMBERS[process.arch][name], plain)
  if (result < 0n) throw Object.assign(new Error(name), { code: REFUSED[-result] ?? `error ${-result}` })
  return result
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
