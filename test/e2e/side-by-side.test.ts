/**
 * The sample examples/side-by-side as it lies there, its runtimes installed from npm. Without npm's registry or python3
 * this is skipped, and says so; in CI it is not.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { runtimePackage, thisMachine } from '../../gateway/runtimes/runtime-package.ts'
import { shareGateway } from './gateway-under-test.ts'

const BIN = fileURLToPath(new URL('../../bin/wrangler-free.js', import.meta.url))
const SAMPLE = fileURLToPath(new URL('../../examples/side-by-side/functions', import.meta.url))

const { packageName } = runtimePackage('bun', thisMachine())
const isHere = (command: string, ...args: string[]) => spawnSync(command, args).status === 0
const canRun =
  process.env.CI !== undefined ||
  (isHere('python3', '--version') && isHere('npm', 'view', packageName, 'version', '--fetch-retries=0'))

function filesOf(folder: string): Record<string, string> {
  const paths = (readdirSync(folder, { recursive: true }) as string[]).filter((path) =>
    statSync(join(folder, path)).isFile(),
  )
  return Object.fromEntries(paths.map((path) => [path, readFileSync(join(folder, path), 'utf8')]))
}

describe.skipIf(!canRun)('the sample side-by-side', () => {
  const state = mkdtempSync(join(tmpdir(), 'wrangler-free-side-by-side-'))
  afterAll(() => rmSync(state, { recursive: true, force: true }))
  for (const name of canRun ? ['bun', 'node@22'] : []) {
    const args = [BIN, 'runtime', 'add', name, '--state', state]
    const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', cwd: state })
    if (status !== 0) throw new Error(`${name}: ${stderr}`)
  }
  const functions = Object.fromEntries(readdirSync(SAMPLE).map((name) => [name, filesOf(join(SAMPLE, name))]))
  const gateway = shareGateway({ functions, config: { state } })

  it('answers from two Nodes with two versions of one package, from Bun and from Python', async () => {
    const said = async (name: string) => (await gateway().fetch(`/${name}`)).text()
    const [node, olderNode, bun, python] = await Promise.all(['node', 'older-node', 'bun', 'python'].map(said))
    expect(node).toBe(`Hello from Node ${process.versions.node}, says greeting 2.0.0\n`)
    expect(olderNode).toMatch(/^Hello from Node 22\.\S+, says greeting 1\.0\.0\n$/)
    expect(bun).toMatch(/^Hello from Bun \d\S+\n$/)
    expect(python).toMatch(/^Hello from Python 3\.\S+\n$/)
  })
})
