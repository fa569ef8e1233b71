/**
 * Tries what no function should get away with, each by name, and answers what came of it as text: `done: …`, or the
 * error's code. What is tried is harmless where it succeeds, except to who is named in the query.
 */
import { spawnSync } from 'node:child_process'
import dgram from 'node:dgram'
import {
  chmodSync,
  existsSync,
  linkSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { readFile } from 'node:fs/promises'
import { get } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
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
  list: ({ path }) => readdirSync(path).join(' '),
  signal: ({ pid, signal }) => process.kill(Number(pid), signal === '0' ? 0 : signal),
  'signal-by-child': ({ pid }) => checked(spawnSync('/bin/sh', ['-c', `kill -0 ${pid}`])),
  trace: ({ pid }) => native('ptrace', [16, Number(pid), 0, 0]),
  'read-memory': ({ pid }) => native('process_vm_readv', [Number(pid), 0, 0, 0, 0, 0]),
  limits: ({ pid }) => checked(spawnSync('/usr/bin/prlimit', ['--pid', pid, '--nofile=1024'])),
  descriptors: () =>
    readdirSync('/proc/self/fd')
      .filter((fd) => Number(fd) > 4 && existsSync(`/proc/self/fd/${fd}`))
      .map((fd) => readlinkSync(`/proc/self/fd/${fd}`))
      .join(' '),
  connect: ({ host, port }) => connected(connect({ host, port: Number(port) })),
  'connect-abstract': ({ name }) => connected(connect({ path: `\0${name}` })),
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

function checked({ status, stderr, stdout }) {
  if (status === 0) return stdout.toString('latin1').slice(0, 40)
  throw Object.assign(new Error(stderr.toString()), {
    code: /denied|not permitted/i.test(stderr) ? 'EACCES' : stderr.toString(),
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
