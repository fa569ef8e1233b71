/** A module that runs in a process that confines itself: what it reaches, and how it ends. */
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { type ConfinedRunError, runConfined } from '../../warmpool/confined-run.ts'
import { childrenOf } from '../../warmpool/resources/process-table.ts'
import { eventually } from '../e2e/processes.ts'

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'wf-confined-')))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const [given, taken] = [join(folder, 'given'), join(folder, 'taken')]
for (const path of [given, taken]) writeFileSync(path, 'text')

const run = (input: object, limits: { memoryBytes?: number; timeoutMs?: number } = {}) =>
  runConfined<Record<string, string>>({
    module: new URL('./confined-modules/attempts.ts', import.meta.url).href,
    input,
    read: [given],
    write: [],
    memoryBytes: 512 * 1024 * 1024,
    timeoutMs: 30_000,
    ...limits,
  })

const reasonOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'it went well',
    (error: ConfinedRunError) => [error.reason, error.message],
  )

describe('a confined run', () => {
  it('reads and writes what it is given, and nothing else', async () => {
    const { output, confined } = await run({
      read: [given, taken, '/etc/passwd', '/proc/self/environ'],
      write: [taken],
    })
    expect(confined.inForce).toContain('files')
    expect(output).toEqual({
      [given]: 'done',
      [taken]: 'EACCES',
      '/etc/passwd': 'EACCES',
      '/proc/self/environ': 'EACCES',
    })
  })

  it('reaches no network', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const { port } = server.address() as { port: number }
    const { output } = await run({ connect: port })
    server.close()
    expect(output.connect).toMatch(/^(?:EACCES|EPERM|EAFNOSUPPORT)$/)
  })

  it('is ended at its limits of time and memory', async () => {
    expect(await reasonOf(run({ hang: true }, { timeoutMs: 300 }))).toEqual(['timeout', expect.any(String)])
    expect(await reasonOf(run({ eat: true }))).toEqual(['out-of-memory', expect.any(String)])
  })

  it('tells what its module threw, and that it was lost', async () => {
    expect(await reasonOf(run({ fail: true }))).toEqual(['reported', 'as it was asked to'])
    const before = new Set(childrenOf(process.pid))
    const lost = reasonOf(run({ hang: true }))
    let started: number | undefined
    await eventually(
      () => {
        started = childrenOf(process.pid)!.find((pid) => !before.has(pid))
        return started !== undefined
      },
      () => 'a process',
    )
    process.kill(started!, 'SIGKILL')
    expect(await lost).toEqual(['lost', expect.stringContaining('SIGKILL')])
  })
})
