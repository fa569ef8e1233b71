/** Tells what the process knows of itself, and does what forking is hard on. */
import { execFile } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createServer as createHttpServer } from 'node:http'
import { connect, createServer } from 'node:net'
import { createContext, runInContext, runInNewContext, Script } from 'node:vm'
import { Worker } from 'node:worker_threads'

const TESTS = {
  itself: () => ({
    pid: process.pid,
    parent: process.ppid,
    random: Math.random(),
    uuid: crypto.randomUUID(),
    uptime: process.uptime(),
    name: process.env.WRANGLER_FREE_WORKER,
  }),
  descriptors: () =>
    readdirSync('/proc/self/fd').flatMap((fd) => {
      try {
        return [`${fd} ${readlinkSync(`/proc/self/fd/${fd}`)}`]
      } catch {
        return []
      }
    }),
  timer: async ({ ms }) => {
    const before = process.hrtime.bigint()
    await new Promise((resolve) => setTimeout(resolve, ms))
    return Number(process.hrtime.bigint() - before) / 1e6
  },
  pool: async () => (await readFile('/proc/self/comm', 'utf8')).length > 0,
  network: () =>
    new Promise((resolve) => {
      const server = createServer((socket) => socket.end('hello'))
      server.listen(0, '127.0.0.1', () =>
        connect(server.address().port, '127.0.0.1').on('data', (chunk) => {
          server.close()
          resolve(String(chunk))
        }),
      )
    }),
  thread: () =>
    new Promise((resolve, reject) => {
      const thread = new Worker('require("node:worker_threads").parentPort.postMessage(40 + 2)', { eval: true })
      thread.on('message', resolve)
      thread.on('error', reject)
    }),
  child: () =>
    new Promise((resolve, reject) => {
      execFile(process.execPath, [...process.execArgv, '-p', '6 * 7'], (error, stdout) =>
        error === null ? resolve(stdout.trim()) : reject(error),
      )
    }),
  signal: () =>
    new Promise((resolve) => {
      process.once('SIGUSR2', resolve)
      process.kill(process.pid, 'SIGUSR2')
    }),
  fetch: async () => {
    const server = createHttpServer((request, response) => response.end(request.url))
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
    const response = await fetch(`http://127.0.0.1:${server.address().port}/path`)
    const text = await response.text()
    server.close()
    return text
  },
  arguments: () => process.execArgv,
  // The smallest module that there is.
  wasm: async () => {
    const bytes = new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0])
    return String(await WebAssembly.compile(bytes))
  },
  garbage: () => {
    let kept = []
    for (let round = 0; round < 200; round++) {
      kept.push(new Array(20_000).fill(round))
      if (kept.length > 20) kept = []
    }
    return kept.length
  },
  numbers: async () => {
    const draw = 'Math.random()'
    const inThread = () =>
      new Promise((resolve) => {
        new Worker(`require("node:worker_threads").parentPort.postMessage(${draw})`, { eval: true }).on(
          'message',
          resolve,
        )
      })
    const contexts = [createContext({}), createContext()].map((context) => runInContext(draw, context))
    const news = [runInNewContext(draw), new Script(draw).runInNewContext()]
    const int = randomInt(2 ** 47)
    return [Math.random(), ...contexts, ...news, int, ...(await Promise.all([inThread(), inThread()]))]
  },
  // What runs on then is this program, in a process that nobody has started by name.
  split: () => {
    const { functions } = process.getBuiltinModule('node:ffi').dlopen(null, {
      fork: { arguments: [], return: 'int32' },
      setsid: { arguments: [], return: 'int32' },
      _exit: { arguments: ['int32'], return: 'void' },
      pause: { arguments: [], return: 'int32' },
      madvise: { arguments: ['pointer', 'uint64', 'int32'], return: 'int32' },
      waitpid: { arguments: ['int32', 'pointer', 'int32'], return: 'int32' },
    })
    const end = /^([0-9a-f]+)-.* \[(?:vvar|vdso|stack)\S*\]$/m.exec(readFileSync('/proc/self/maps', 'latin1'))[1]
    functions.madvise(0x10000n, BigInt(`0x${end}`) - 0x10000n, 11)
    const child = functions.fork()
    if (child === 0) {
      functions.setsid()
      if (functions.fork() !== 0) functions._exit(0)
      for (;;) functions.pause()
    }
    functions.waitpid(child, Buffer.alloc(4), 0)
    return { worker: process.pid, session: child }
  },
  throwTwice: async ({ how }) => {
    process.on('uncaughtException', () => {
      throw new Error('the handler threw')
    })
    if (how === 'what cannot be shown') process.removeAllListeners('uncaughtException')
    const [thrown] = [{ [Symbol.for('nodejs.util.inspect.custom')]: () => JSON.parse('no JSON') }]
    setImmediate(() => {
      throw thrown
    })
    await new Promise(() => {})
  },
  print: () => {
    console.log('to stdout')
    console.error('to stderr')
  },
  exit: ({ code }) => process.exit(code),
  // Some threads of the pool of files, so that those which were not forked have followers in their memory.
  throw: async () => {
    await Promise.all(Array.from({ length: 8 }, () => readFile('/proc/self/comm')))
    setImmediate(() => {
      throw new TypeError('nobody caught this')
    })
    await new Promise(() => {})
  },
  abort: () => process.abort(),
}

export default (input) => TESTS[input.test](input)
