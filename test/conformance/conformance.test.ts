/** The runtimes of this repository pass the suite that outsiders' are held against, and a broken one does not. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { temporaryFolder, writeTree } from '../gateway/functions/helpers.ts'

const HERE = import.meta.dirname
const RUNTIMES = join(HERE, '../../warmpool/runtimes')
const NODE = [process.execPath, '--disable-warning=ExperimentalWarning', join(RUNTIMES, 'node/main.ts')]
const PYTHON = ['python3', '-B', join(RUNTIMES, 'python/main.py')]
const BROKEN = [process.execPath, join(HERE, 'broken-runtime.mjs')]
/** It starts a process for each check; a broken runtime makes it wait. */
const LONG = 120_000

interface Run {
  readonly code: unknown
  readonly stdout: string
  readonly stderr: string
}

function conformance(...args: readonly string[]): Promise<Run> {
  return conformanceIn(HERE, ...args)
}

function conformanceIn(cwd: string, ...args: readonly string[]): Promise<Run> {
  const env = { ...process.env, INIT_CWD: cwd }
  return new Promise((resolve) => {
    execFile(process.execPath, [join(HERE, 'run.ts'), ...args], { env }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : error.code, stdout, stderr }),
    )
  })
}

async function outcomes(...args: readonly string[]): Promise<{ code: unknown; failed: string[]; passed: string[] }> {
  const { code, stdout } = await conformance('--json', ...args)
  const all = JSON.parse(stdout) as { name: string; result: string; why: string }[]
  const named = (result: string): string[] =>
    all.flatMap((one) => (one.result === result ? [`${one.name}${one.why === '' ? '' : `: ${one.why}`}`] : []))
  return { code, failed: named('failed'), passed: named('passed') }
}

// Most of it is waiting for what a runtime does not do.
describe.concurrent('the conformance suite', () => {
  test.each([
    ['the Node runtime', 'function.mjs', NODE],
    ['the Python runtime', 'function.py', PYTHON],
    ['the Python runtime with an event loop', 'function_async.py', PYTHON],
  ])(
    'is passed by %s',
    async (_, file, command) => {
      const { code, failed, passed } = await outcomes('--function', join(HERE, file), ...command)
      expect({ code, failed }).toEqual({ code: 0, failed: [] })
      expect(passed.length).toBeGreaterThan(30)
    },
    LONG,
  )

  test(
    'says what is wrong with a broken runtime',
    async () => {
      const { code, failed, passed } = await outcomes('--patience', '1000', '--function', HERE, ...BROKEN)
      expect(code).toBe(1)
      expect(passed).toContain('answers with a status, headers and a body')
      const words = failed.join('\n')
      expect(words).toContain('stops sending when the window is used up, and goes on as it is granted: ')
      expect(words).toContain('body bytes more than its window')
      expect(words).toContain('sends no body to HEAD: ')
      expect(words).toContain('its journal says 0 after call 1')
      expect(words).toContain('exits as a blank when its wire ends: it did not exit within 1000 ms')
    },
    LONG,
  )

  test(
    'is a table for people',
    async () => {
      const { code, stdout } = await conformance('--patience', '500', '--function', HERE, process.execPath, '-e', '0')
      expect(code).toBe(1)
      expect(stdout).toMatch(
        /^✗ says hello first, with the version and its name\n {4}no hello came: it closed its wire/,
      )
      expect(stdout).toMatch(/\n0 passed, \d+ failed, 0 skipped\n$/)
    },
    LONG,
  )

  test('asks for a command', async () => {
    expect((await conformance('--json')).code).toBe(2)
  })

  test.each([
    ['JavaScript', NODE],
    ['Python', PYTHON],
  ])(
    'needs no function for %s, by what hello says',
    async (_, command) => {
      const { code, failed } = await outcomes(...command)
      expect({ code, failed }).toEqual({ code: 0, failed: [] })
    },
    LONG,
  )

  test(
    'takes the function for another language from where it is started, and says so where there is none',
    async () => {
      const folder = await temporaryFolder()
      const command = [process.execPath, join(HERE, 'broken-runtime.mjs')]
      const { code, stderr } = await conformanceIn(folder, '--patience', '1000', ...command)
      expect([code, stderr]).toEqual([2, expect.stringContaining('name it conformance.* in this folder')])
      await writeTree(folder, { 'conformance.any': '' })
      const { stdout } = await conformanceIn(folder, '--patience', '1000', ...command)
      expect(stdout).toContain('✓ answers with a status, headers and a body')
    },
    LONG,
  )
})
