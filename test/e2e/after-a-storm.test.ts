/** After a storm of calls, crashes, kills and callers that vanish, a gateway holds what it held before: no more. */
import { readdirSync, readlinkSync } from 'node:fs'
import { expect, test } from 'vitest'
import { noSandboxBecause } from '../../warmpool/sandbox/available.ts'
import { type GatewayUnderTest, startGateway } from './gateway-under-test.ts'
import { descendants, eventually } from './processes.ts'

const BLANKS = 1
const CALLERS = 8
const CALLS = 12

const functions = {
  hello: `export default () => new Response('hello')`,
  once: `export default () => new Response('once')`,
  crashes: `export default () => process.exit(1)`,
  throws: `export default () => { throw new Error('thrown') }`,
  takes: `export default async (request) => new Response(String((await request.arrayBuffer()).byteLength))`,
  gives: `export default () => new Response('x'.repeat(1_000_000))`,
}
const NAMES = Object.keys(functions)

const countOfDescriptors = (gateway: GatewayUnderTest): number => readdirSync(`/proc/${gateway.pid}/fd`).length
const countOfProcesses = (gateway: GatewayUnderTest): number => descendants(gateway.pid).length

/** Nobody calls, nothing ends or starts, and each blank is there. */
async function atRest(gateway: GatewayUnderTest, kinds: number): Promise<{ descriptors: number; processes: number }> {
  await gateway.waitFor(({ gateway: { requestsInFlight, connections }, pool }) => {
    // One of the connections asks.
    return (
      requestsInFlight === 0 &&
      connections.open === 0 &&
      pool.starting === 0 &&
      pool.blanks === BLANKS * kinds &&
      pool.workers === pool.blanks
    )
  })
  // What has just ended may still be leaving, as may the connection that asked.
  let last = ''
  await eventually(() => {
    const before = last
    last = `${countOfDescriptors(gateway)} ${countOfProcesses(gateway)}`
    return before === last
  })
  return { descriptors: countOfDescriptors(gateway), processes: countOfProcesses(gateway) }
}

async function call(gateway: GatewayUnderTest, name: string): Promise<void> {
  const body = name === 'takes' ? Buffer.alloc(300_000) : undefined
  const sent = { method: body === undefined ? 'GET' : 'POST', ...(body === undefined ? {} : { body }) }
  const response = await gateway.request(`/${name}`, sent)
  response.on('error', () => {})
  response.resume()
  await eventually(() => response.closed)
}

/** Leaves in the middle of its request, or of the answer. */
async function vanish(gateway: GatewayUnderTest): Promise<void> {
  const sends = await gateway.connect()
  sends.send('POST /takes HTTP/1.1\r\nhost: here\r\ncontent-length: 1000000\r\n\r\nsome of it')
  const takes = await gateway.connect()
  takes.send('GET /gives HTTP/1.1\r\nhost: here\r\n\r\n')
  for (const connection of [sends, takes]) connection.close()
}

const PROFILES = [
  // The kind that forks is one of its own.
  { isolation: 'process', kinds: 2 },
  ...(noSandboxBecause('all') === null ? [{ isolation: 'sandbox', kinds: 1 }] : []),
]

test.each(PROFILES)(
  'under $isolation descriptors and processes return to what they were',
  async ({ isolation, kinds }) => {
    const gateway = await startGateway({
      functions,
      config: {
        pool: { blanks: BLANKS },
        defaults: { isolation, idleTimeout: '200ms', maxWorkers: 2 },
        overrides: { once: { maxInvocations: 1 } },
      },
    })
    // What is opened with the first call, and kept.
    for (const name of NAMES) await call(gateway, name)
    const before = await atRest(gateway, kinds)
    const caller = async (): Promise<void> => {
      for (let at = 0; at < CALLS; at++) {
        await call(gateway, NAMES[at % NAMES.length]!)
        if (at % 5 === 0) await vanish(gateway)
      }
    }
    // One after the other: the connections that ask for the status are kept, too.
    const killer = async (): Promise<void> => {
      for (let at = 0; at < CALLS / 2; at++) {
        await call(gateway, 'hello')
        await killOne(gateway)
      }
    }
    await Promise.all([killer(), ...Array.from({ length: CALLERS }, caller)])
    const after = await atRest(gateway, kinds)
    // The process that builds may have gone meanwhile.
    expect(after.descriptors, kindsOf(gateway)).toBeLessThanOrEqual(before.descriptors)
    expect(after.processes).toBeLessThanOrEqual(before.processes)
  },
)

/** What each descriptor is, for the message of a failure. */
function kindsOf({ pid }: GatewayUnderTest): string {
  const links = readdirSync(`/proc/${pid}/fd`).map((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`).replace(/\d{3,}/g, '#')
    } catch {
      return 'gone'
    }
  })
  return JSON.stringify(Object.fromEntries([...Map.groupBy(links, String)].map(([kind, all]) => [kind, all.length])))
}

/** Some worker. */
async function killOne(gateway: GatewayUnderTest): Promise<void> {
  const pid = (await gateway.status()).functions.flatMap(({ workers }) => workers).at(-1)?.pid
  try {
    if (pid !== undefined) process.kill(pid, 'SIGKILL')
  } catch {
    // It is gone already.
  }
}
