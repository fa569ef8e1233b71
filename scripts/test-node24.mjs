// `npm run test:node24`: the core suite under Node 24, the oldest that is supported. Gateways and workers under test
// run with it too, as they take the Node that runs the test. It comes from npm, once, into node_modules/.cache.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root, toolEnv } from './tool-path.mjs'

const MAJOR = 24
/** The core: what runs in workers or rests on the system, and a gateway's life. The rest says the same on any Node. */
const E2E = [
  'deploy',
  'deploy-survives',
  'host-lists',
  'http',
  'isolation',
  'lifecycle',
  'limits',
  'sandbox',
  'secrets',
]
const CORE = [
  'test/warmpool',
  'test/runtimes/node',
  'test/gateway/http',
  'test/gateway/deploy',
  ...E2E.map((name) => `test/e2e/${name}.test.ts`),
]

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
const files = process.argv.length > 2 ? process.argv.slice(2) : CORE
const test = spawnSync('node', ['scripts/test.mjs', ...files], { cwd: root, env, stdio: 'inherit' })
process.exit(test.status ?? 1)
