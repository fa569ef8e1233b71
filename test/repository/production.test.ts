/** What the files of examples/production rely on: options that the commands have, and a systemd unit that keeps no function from starting. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { runCli } from '../gateway/cli/run-cli.ts'

const pathOf = (name: string): string => fileURLToPath(new URL(`../../examples/production/${name}`, import.meta.url))
const read = (name: string): string => readFileSync(pathOf(name), 'utf8')

/** Of `wrangler-free`, wherever a file runs it. */
function optionsIn(text: string): string[] {
  return [...text.matchAll(/(?<![\w-])--[a-z][a-z-]+/g)].map(([option]) => option)
}

async function optionsOf(...command: string[]): Promise<Set<string>> {
  return new Set(optionsIn((await runCli([...command, '--help'], {})).stdout.toString()))
}

describe('each option is one of its command', () => {
  it.each<[file: string, lines: RegExp, command: string[]]>([
    ['wrangler-free.service', /^ExecStart=.*wrangler-free serve.*$/gm, ['serve']],
    ['Dockerfile', /^(?:ENTRYPOINT|CMD) .*$/gm, ['serve']],
    ['deploy.yml', /(?:wrangler-free deploy .*|install="--.*)$/gm, ['deploy']],
    ['deploy.yml', /wrangler-free tokens create .*$/gm, ['tokens', 'create']],
    ['README.md', /wrangler-free tokens create .*$/gm, ['tokens', 'create']],
  ])('%s: %s', async (file, lines, command) => {
    const there = await optionsOf(...command)
    const used = optionsIn((read(file).match(lines) ?? []).join('\n'))
    expect(used.length).toBeGreaterThan(0)
    expect(used.filter((option) => !there.has(option))).toEqual([])
  })
})

describe('the systemd unit', () => {
  const unit = read('wrangler-free.service')

  it('mounts nothing over /proc: no sandbox could have one of its own then', () => {
    const over = /^(?:ProtectKernelTunables|ProtectKernelLogs|ProtectHostname|ProtectProc|ProcSubset)=/gm
    expect(unit.match(over)).toBe(null)
  })

  it('has its control groups, and time to answer what was accepted', () => {
    expect(unit).toMatch(/^Delegate=yes$/m)
    expect(unit).not.toMatch(/^ProtectControlGroups=/m)
    expect(Number(/^TimeoutStopSec=(\d+)$/m.exec(unit)?.[1])).toBeGreaterThan(30)
  })

  const canVerify = spawnSync('systemd-analyze', ['--version']).status === 0
  it.skipIf(!canVerify)('is one that systemd reads without a word', () => {
    const { status, stdout, stderr } = spawnSync('systemd-analyze', ['verify', pathOf('wrangler-free.service')])
    expect([status, stdout.toString(), stderr.toString()]).toEqual([0, '', ''])
  })
})
