import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import type { WarmPoolOptions } from '../../warmpool/index.ts'
import { canFork } from '../../warmpool/template/available.ts'

const PROGRAM = fileURLToPath(new URL('./no-boot-program.ts', import.meta.url))

interface Ended {
  /** 13: Node found nothing more to do while the program was still waiting. */
  readonly exitCode: number
  readonly output: string
}

/** The program to its end. It is not helped to it: one that stays makes the test time out. */
function run(executable: string, options: WarmPoolOptions = {}): Promise<Ended> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [PROGRAM, executable, JSON.stringify(options)], (_error, stdout) =>
      resolve({ exitCode: child.exitCode!, output: stdout }),
    )
  })
}

describe('a program that waits for a worker', () => {
  it('is told when none boots, after several have been tried', async () => {
    const { exitCode, output } = await run('/bin/false')
    expect(output).toMatch(/^boot-failed: No worker process can be started: crash during starting \(exit code 1\)$/m)
    expect(exitCode).toBe(0)
  })

  it.skipIf(!canFork())('is told when nothing boots that workers could be forked from', async () => {
    const { exitCode, output } = await run('/bin/false', { defaults: { startBy: 'fork' } })
    expect(output).toMatch(/^boot-failed: No worker process can be started: .*\(exit code 1\)$/m)
    expect(exitCode).toBe(0)
  })

  it('is told when the system starts none', async () => {
    const { exitCode, output } = await run('/nonexistent')
    expect(output).toMatch(/^boot-failed: No worker process can be started: Cannot start \/nonexistent/)
    expect(exitCode).toBe(0)
  })

  it('waits no longer than its place in the queue allows', async () => {
    const { exitCode, output } = await run('/bin/false', { defaults: { queue: { max: 1, timeoutMs: 200 } } })
    expect(output).toMatch(/^queue-timeout: /)
    expect(exitCode).toBe(0)
  })

  it('is told when no worker may be started for want of memory', async () => {
    const options = { memoryBytes: 1, defaults: { queue: { max: 1, timeoutMs: 200 } } }
    const { exitCode, output } = await run(process.execPath, options)
    expect(output).toMatch(/^queue-timeout: /)
    expect(exitCode).toBe(0)
  })
})
