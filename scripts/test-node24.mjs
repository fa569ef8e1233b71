// `npm run test:node24`: the core suite under Node 24, the oldest that is supported. Gateways and workers under test
// run with it too, as they take the Node that runs the test. It comes from npm, once, into node_modules/.cache.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root, toolEnv } from './tool-path.mjs'

const MAJOR = 24
/** Workers are confined and limited by node:ffi, which Node 24 has not: functions run there without, and that is told. */
const WITH_FFI_ONLY = ['isolation', 'host-lists', 'neighbours'].map((name) => `test/e2e/${name}.test.ts`)
/** The core: what is shipped. The rest of test/ is about this repository. */
const CORE = ['test/warmpool', 'test/runtimes', 'test/gateway', 'test/functions', 'test/e2e']

/** A binary package of the npm package `node`; installing it runs no script. */
const packageName = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`
const folder = join(root, 'node_modules/.cache', `node${MAJOR}`)
const bin = join(folder, 'node_modules', packageName, 'bin')

function install() {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n')
  const args = ['install', '--no-save', '--no-package-lock', '--loglevel=error', `${packageName}@${MAJOR}`]
  const { status } = spawnSync('npm', args, { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] })
  if (status === 0) return
  console.error(`Node ${MAJOR} could not be installed from npm (${packageName}): see its message above.`)
  process.exit(1)
}

if (!existsSync(join(bin, 'node'))) install()
const env = toolEnv(bin)
const version = spawnSync('node', ['--version'], { env, encoding: 'utf8' }).stdout.trim()
if (!version.startsWith(`v${MAJOR}.`)) throw new Error(`${bin} holds Node ${version}, not ${MAJOR}`)
console.log(`The core suite on Node ${version}`)
const without = WITH_FFI_ONLY.flatMap((file) => ['--exclude', file])
if (process.argv.length === 2) console.log(`Left out, since Node ${MAJOR} has no node:ffi: ${WITH_FFI_ONLY.join(', ')}`)
const files = process.argv.length > 2 ? process.argv.slice(2) : [...CORE, ...without]
const test = spawnSync('node', ['scripts/test.mjs', ...files], { cwd: root, env, stdio: 'inherit' })
process.exit(test.status ?? 1)
