/**
 * No space where the gateway keeps its bundles: that is the machine's fault and not the author's, the neighbours do not
 * notice it, and what was edited meanwhile is served as soon as there is space, without another edit.
 */
import { spawnSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { startGateway } from './gateway-under-test.ts'
import { eventually } from './processes.ts'

const state = mkdtempSync(join(tmpdir(), 'wrangler-free-full-disk-'))
const canMount = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'wrangler-free-test', state]).status === 0
if (!canMount) console.warn('SKIPPED  test/e2e/full-disk.test.ts: only root may mount a small file system')

afterAll(() => {
  if (canMount) spawnSync('umount', ['--lazy', state])
  rmSync(state, { recursive: true, force: true })
})

const source = (edition: string): string =>
  `// ${'.'.repeat(50_000)}\nexport default () => new Response('${edition}')\n`

it.skipIf(!canMount)('a change that cannot be stored is served once there is space', async () => {
  const functions = { edited: source('first'), neighbour: source('unmoved') }
  const gateway = await startGateway({ command: 'dev', functions, config: { state } })
  expect(await (await gateway.fetch('/edited')).text()).toBe('first')

  fill(join(state, 'filler'))
  gateway.project.write('functions/edited.js', source('second'))
  await eventually(async () => (await gateway.fetch('/edited')).status === 503)
  expect(await gateway.problem('/edited')).toMatchObject({ code: 'not-stored', fault: 'platform' })
  expect(await (await gateway.fetch('/neighbour')).text()).toBe('unmoved')

  rmSync(join(state, 'filler'))
  await eventually(async () => (await (await gateway.fetch('/edited')).text()) === 'second')
})

function fill(path: string): void {
  const file = openSync(path, 'w')
  for (let bytes = 1024 * 1024; bytes > 0; )
    try {
      writeSync(file, Buffer.alloc(bytes, 'x'))
    } catch {
      bytes >>= 1
    }
  closeSync(file)
}
