import { once } from 'node:events'
import { closeSync, openSync, readlinkSync } from 'node:fs'
import { createServer } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { Journal } from '../../warmpool/journal.ts'
import { signalGroup, spawnWorker, type WorkerProcess } from '../../warmpool/spawn.ts'
import { isAlive, killAll, readStat, whenGone } from './processes.ts'

function start(file: string, args: readonly string[], env: Record<string, string> = {}): [WorkerProcess, Journal] {
  const journal = new Journal()
  onTestFinished(() => journal.close())
  const worker = spawnWorker({ file, args, env }, journal.fd)
  onTestFinished(() => killAll([worker.pid]))
  return [worker, journal]
}

const startNode = (script: string, env = {}) => start(process.execPath, ['-e', script], env)

async function textOf(stream: NodeJS.ReadableStream): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

test('a worker leads a group and a session of its own', async () => {
  const [{ pid, stdout }] = startNode(`console.log('up'); setInterval(() => {}, 1000)`)
  await once(stdout, 'data')
  expect(readStat(pid)).toMatchObject({ parent: process.pid, group: pid, session: pid })
})

test('it speaks and hears on fd 3, and writes its journal to fd 4', async () => {
  const [{ wire, handle }, journal] = startNode(`
    const { writeSync } = require('node:fs')
    const socket = new (require('node:net').Socket)({ fd: 3 })
    socket.once('data', (chunk) => {
      writeSync(4, Buffer.of(9, 0, 0, 0), 0, 4, 0)
      socket.end('heard: ' + chunk)
    })`)
  const exited = once(handle, 'exit')
  wire.write('hello')
  expect(await textOf(wire)).toBe('heard: hello')
  await exited
  expect(journal.begun()).toBe(9)
})

test('it gets the environment that it was given, and nothing else of its parent’s', async () => {
  const script = 'console.log(JSON.stringify(process.env))'
  expect(JSON.parse(await textOf(startNode(script)[0].stdout))).toEqual({})
  expect(JSON.parse(await textOf(startNode(script, { ONE: '1' })[0].stdout))).toEqual({ ONE: '1' })
})

test('it has its five descriptors, and none of what this process has open', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  const file = openSync(import.meta.filename, 'r')
  onTestFinished(() => {
    server.close()
    closeSync(file)
  })
  await once(server, 'listening')
  // Not the shell itself looks, for it opens the folder that it lists.
  const [{ stdout }] = start('/bin/sh', ['-c', 'ls /proc/$$/fd; readlink /proc/$$/fd/*'], { PATH: process.env.PATH! })
  const lines = (await textOf(stdout)).split('\n')
  expect(lines).toEqual(expect.arrayContaining(['0', '1', '2', '3', '4']))
  const own = [(server as unknown as { _handle: { fd: number } })._handle.fd, file]
  for (const fd of own) expect(lines).not.toContain(readlinkSync(`/proc/self/fd/${fd}`))
})

test('its standard input is empty, its outputs are apart', async () => {
  const [{ stdout, stderr }] = start('/bin/sh', ['-c', 'cat; echo out; echo err >&2'])
  expect(await Promise.all([textOf(stdout), textOf(stderr)])).toEqual(['out\n', 'err\n'])
})

test('a program that does not exist is named in the error, and nothing is thrown later', async () => {
  const journal = new Journal()
  onTestFinished(() => journal.close())
  expect(() => spawnWorker({ file: '/no/such/program', args: [], env: {} }, journal.fd)).toThrow(
    /Cannot start \/no\/such\/program/,
  )
})

test('signalGroup reaches what the worker started, and is harmless when nobody is left', async () => {
  const [{ pid, stdout, handle }] = start('/bin/sh', ['-c', 'sleep 1000 & echo $!; wait'])
  const [output] = (await once(stdout, 'data')) as [Buffer]
  const grandchild = Number(output.toString())
  onTestFinished(() => killAll([grandchild]))
  expect(isAlive(grandchild)).toBe(true)
  const exited = once(handle, 'exit')
  signalGroup(pid, 'SIGKILL')
  expect(await exited).toEqual([null, 'SIGKILL'])
  await whenGone([pid, grandchild])
  signalGroup(pid, 'SIGKILL')
})
