/** What a worker that misused processes, memory and files leaves on the machine when it dies: nothing. */
import { existsSync } from 'node:fs'
import { expect, test } from 'vitest'
import { startGateway } from './gateway-under-test.ts'
import { eventually, isAlive } from './processes.ts'

const KEPT = ['/dev/shm/kept', '/tmp/kept-by-a-function']

const MISUSES = `
import { spawn } from 'node:child_process'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
export default async () => {
  const started = Array.from({ length: 20 }, () => {
    const child = spawn('/bin/sh', ['-c', 'trap "" HUP TERM; sleep 1000'], { detached: true, stdio: 'ignore', env: {} })
    child.unref()
    return child.pid
  })
  const memory = spawn('/usr/bin/python3', ['-c', 'import os,time; f=os.memfd_create("kept"); os.write(f, b"x"*10000000); time.sleep(1000)'], { detached: true, stdio: 'ignore' })
  mkdirSync(tmpdir() + '/closed')
  writeFileSync(tmpdir() + '/closed/file', Buffer.alloc(1_000_000))
  chmodSync(tmpdir() + '/closed', 0)
  for (const path of ${JSON.stringify(KEPT)})
    try { writeFileSync(path, 'kept') } catch {}
  return Response.json({ started: [...started, memory.pid], folder: tmpdir(), pid: process.pid })
}
`

test.each(['auto', 'never'])('neither processes nor shared memory nor files (cgroups: %s)', async (cgroups) => {
  const gateway = await startGateway({ functions: { misuses: MISUSES }, config: { pool: { cgroups } } })
  const told = (await (await gateway.fetch('/misuses')).json()) as { started: number[]; folder: string; pid: number }
  expect(told.started.every(isAlive)).toBe(true)
  expect(existsSync(told.folder)).toBe(true)
  process.kill(told.pid, 'SIGKILL')
  await eventually(() => !told.started.some(isAlive) && !existsSync(told.folder))
  expect(KEPT.filter((path) => existsSync(path))).toEqual([])
})
