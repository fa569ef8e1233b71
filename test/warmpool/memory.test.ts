import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { expect, onTestFinished, test } from 'vitest'
import { readRssBytes } from '../../warmpool/memory.ts'

const MiB = 1024 * 1024

test('a process’s resident bytes are what the kernel says of it elsewhere', async () => {
  const child = spawn('sleep', ['1000'])
  onTestFinished(() => void child.kill('SIGKILL'))
  await once(child, 'spawn')
  const resident = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))
  // The kernel counts in batches of pages for each processor; the two files need not agree to the byte.
  expect(Math.abs(readRssBytes(child.pid!) - Number(resident![1]) * 1024)).toBeLessThan(8 * MiB)
})

test('it grows with what the process fills', async () => {
  const script = `process.stdin.once('data', () => { globalThis.kept = Buffer.alloc(${200 * MiB}, 1); console.log('filled') }); console.log('up')`
  const child = spawn(process.execPath, ['-e', script], { stdio: ['pipe', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  await once(child.stdout, 'data')
  const before = readRssBytes(child.pid!)
  child.stdin.write('fill')
  await once(child.stdout, 'data')
  expect(readRssBytes(child.pid!) - before).toBeGreaterThan(190 * MiB)
})

test('a process that is gone holds nothing', async () => {
  const child = spawn('true')
  await once(child, 'exit')
  expect(readRssBytes(child.pid!)).toBe(0)
})
