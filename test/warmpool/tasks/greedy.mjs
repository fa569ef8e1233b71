// Takes more of the machine than it should: bounded in each way, should nobody stop it.
import { execFileSync, spawn } from 'node:child_process'
import { closeSync, existsSync, openSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const MiB = 1024 * 1024
const FOR_EVER = new Promise(() => {})
const kept = []

/** As much as that, outside of the heap. */
function fillBuffers(bytes) {
  for (let at = 0; at < bytes; at += MiB) kept.push(Buffer.alloc(MiB, 1))
}

function fillHeap(bytes) {
  for (let at = 0; at < bytes; at += MiB) kept.push(Array.from({ length: MiB / 8 }, (_, index) => index + 0.5 + at))
}

const ACTS = {
  // Leaves something behind with each call.
  leaks({ bytes }) {
    kept.push(Buffer.alloc(bytes, 1))
    return process.pid
  },
  async buffers({ bytes }) {
    for (let at = 0; at < bytes; at += 8 * MiB) {
      fillBuffers(8 * MiB)
      await new Promise(setImmediate)
    }
    await FOR_EVER
  },
  // Of a process that it has started: what the system says, and how nice it is.
  childStatus: () => execFileSync('/bin/sh', ['-c', 'cat /proc/self/status; nice']).toString().trim(),
  // As V8 does where the heap is full.
  fullHeap({ aborts }) {
    writeSync(2, 'FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory\n')
    if (aborts) process.abort()
    return 'alive'
  },
  // Some at first, and more once there is a file.
  async again({ bytes, file, more }) {
    fillBuffers(bytes)
    while (!existsSync(file)) await new Promise((resolve) => setTimeout(resolve, 5))
    await ACTS.buffers({ bytes: more })
  },
  holds({ bytes }) {
    fillBuffers(bytes)
    return bytes
  },
  heap({ bytes }) {
    fillHeap(bytes)
    return FOR_EVER
  },
  child({ bytes }) {
    const script = `const kept = []; for (let at = 0; at < ${bytes}; at += ${MiB}) kept.push(Buffer.alloc(${MiB}, 1)); setInterval(() => {}, 1000)`
    kept.push(spawn(process.execPath, ['-e', script], { stdio: 'ignore' }))
    return FOR_EVER
  },
  async forks({ count }) {
    for (let at = 0; at < count; at++) {
      const child = spawn('sleep', ['100'], { stdio: 'ignore' })
      child.on('error', () => {})
      kept.push(child)
    }
    await FOR_EVER
  },
  // Each process starts two more, in a session of their own, 127 in all.
  forest({ token }) {
    const script =
      'if [ "$1" -gt 0 ]; then for each in 1 2; do setsid /bin/sh -c "$GROW" sh "$(($1 - 1))" & done; fi; exec sleep 100'
    const env = { ...process.env, GROW: script, FOREST: token }
    kept.push(spawn('/bin/sh', ['-c', script, 'sh', '6'], { stdio: 'ignore', env }))
    return FOR_EVER
  },
  spin({ ms }) {
    const until = performance.now() + ms
    while (performance.now() < until);
    return 'spun'
  },
  // Turns of the loop between: only its processor time shows.
  async spinSoftly({ ms }) {
    const until = performance.now() + ms
    while (performance.now() < until) await new Promise(setImmediate)
    return 'spun'
  },
  openFiles({ count }) {
    const open = []
    try {
      for (let at = 0; at < count; at++) open.push(openSync('/dev/null'))
      return { opened: open.length, code: null }
    } catch (error) {
      return { opened: open.length, code: error.code }
    } finally {
      for (const fd of open) closeSync(fd)
    }
  },
  longFile({ bytes }) {
    process.on('SIGXFSZ', () => {})
    const file = join(tmpdir(), `greedy-${process.pid}`)
    const fd = openSync(file, 'wx')
    try {
      for (let at = 0; at < bytes; at += MiB) writeSync(fd, Buffer.alloc(MiB))
      return null
    } catch (error) {
      return error.code
    } finally {
      closeSync(fd)
      process.getBuiltinModule('node:fs').unlinkSync(file)
    }
  },
  print({ bytes }) {
    for (let at = 0; at < bytes; at += 1000) console.log('x'.repeat(999))
    return 'printed'
  },
  answer({ bytes }) {
    return Buffer.alloc(bytes)
  },
  echo: ({ value }) => value,
}

export default (input) => ACTS[input.do](input)
