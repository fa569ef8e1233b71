import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { runCli } from './run-cli.ts'

describe('the command line', () => {
  it('helps, with every command and examples, on stdout', async () => {
    const { code, stdout } = await runCli(['--help'])
    expect(code).toBe(0)
    for (const word of ['serve', 'dev', 'invoke', 'status', 'Examples:']) expect(stdout.toString()).toContain(word)
  })

  it('helps for one command, with its exit codes', async () => {
    for (const command of ['invoke', 'status']) {
      const { code, stdout } = await runCli(['help', command])
      expect(code).toBe(0)
      expect(stdout.toString()).toContain('Exit codes: 0 ')
    }
  })

  it('tells the version of its package', async () => {
    const { version } = JSON.parse(await readFile(new URL('../../../package.json', import.meta.url), 'utf8'))
    const { code, stdout } = await runCli(['--version'])
    expect([code, stdout.toString()]).toEqual([0, `${version}\n`])
  })

  it.each([
    ['an unknown command', ['statsu'], 'Did you mean status?'],
    ['an unknown option', ['status', '--jsn'], 'Did you mean --json?'],
    ['too many arguments', ['status', 'all'], 'too many arguments'],
    ['no command', [], 'Usage: wrangler-free'],
  ])('ends with 2 for %s and says what was meant', async (_, args, explanation) => {
    const { code, stdout, stderr } = await runCli(args)
    expect([code, stdout.toString()]).toEqual([2, ''])
    expect(stderr).toContain(explanation)
  })

  it('shows a stack trace only to who asks with DEBUG=1', async () => {
    expect((await runCli(['status', '--admin', 'x'])).stderr).not.toContain('    at ')
    expect((await runCli(['status', '--admin', 'x'], { DEBUG: '1' })).stderr).toContain('    at ')
  })
})
