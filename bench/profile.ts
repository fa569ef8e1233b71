/**
 * Where a warm call's time goes: the gateway and one worker profiled under load, printed as two flame graphs in text
 * (docs/performance.md keeps them). `node bench/profile.ts` from the root; `--least 0.02` shows more.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type CpuProfile, renderFlame } from './lib/flame.ts'
import { startGateway } from './lib/gateway.ts'
import { load } from './lib/load.ts'
import { makeProject } from './lib/project.ts'

const CONNECTIONS = 64
const SECONDS = 5

/** Profiles the process that it runs in, from the first call of `/start` to that of `/stop`. */
const HELLO = `
import { Session } from 'node:inspector/promises'
import { writeFileSync } from 'node:fs'
const session = new Session()
export default {
  fetch(request, env) {
    if (request.url.endsWith('/start')) return start()
    if (request.url.endsWith('/stop')) return stop(env.PROFILE_FILE)
    return new Response('Hello!\\n')
  },
}
async function start() {
  session.connect()
  await session.post('Profiler.enable')
  await session.post('Profiler.setSamplingInterval', { interval: 200 })
  await session.post('Profiler.start')
  return new Response()
}
async function stop(file) {
  const { profile } = await session.post('Profiler.stop')
  writeFileSync(file, JSON.stringify(profile))
  return new Response()
}
`

const { values } = parseArgs({ options: { least: { type: 'string', default: '0.03' } } })
const flame = { leastShare: Number(values.least), barChars: 30 }
const folder = mkdtempSync(join(tmpdir(), 'wrangler-free-profile-'))
const workerFile = join(folder, 'worker.json')
const settings = { minWorkers: 1, maxWorkers: 1, concurrency: CONNECTIONS, maxInvocations: 'never' }
const project = makeProject(() => ({
  functions: { 'hello.js': HELLO },
  config: { log: { level: 'warn' }, overrides: { hello: { ...settings, env: { PROFILE_FILE: workerFile } } } },
}))
try {
  const flags = ['--cpu-prof', `--cpu-prof-dir=${join(folder, 'gateway')}`, '--cpu-prof-interval=200']
  const gateway = await startGateway(project, flags)
  const url = `${gateway.url}/hello`
  await load(url, { connections: CONNECTIONS, seconds: 2 })
  await fetch(`${url}/start`)
  const { requestsPerSecond } = await load(url, { connections: CONNECTIONS, seconds: SECONDS })
  await fetch(`${url}/stop`)
  await gateway.stop()
  const [gatewayFile] = readdirSync(join(folder, 'gateway'))
  console.log(`${Math.round(requestsPerSecond)} requests/s while both were profiled. Shares of the busy time.`)
  console.log(`\nThe gateway\n${renderFlame(profileIn(join(folder, 'gateway', gatewayFile!)), flame)}`)
  console.log(`\nThe worker\n${renderFlame(profileIn(workerFile), flame)}`)
} finally {
  project.remove()
  rmSync(folder, { recursive: true, force: true })
}

function profileIn(file: string): CpuProfile {
  return JSON.parse(readFileSync(file, 'utf8')) as CpuProfile
}
