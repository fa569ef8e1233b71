/**
 * Whether bodies stream: one body far larger than memory should hold goes through an echo function to a caller who
 * reads slowly. If the back-pressure has a hole anywhere, the gateway or the worker grows by what the caller has not
 * read yet.
 */
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { withGateway } from '../lib/gateway.ts'
import { MiB, type RssSampler, sampleRss } from '../lib/memory.ts'
import { pinningInWords } from '../lib/pinning.ts'
import type { Progress, Suite } from '../lib/suite.ts'
import { below, mustBeNone } from '../lib/verdict.ts'

const CHUNK_BYTES = MiB
const READ_BYTES_PER_SECOND = 200 * MiB
/** The reader also stops altogether now and then. */
const STOP_EVERY_BYTES = 64 * MiB
const STOP_MS = 200
const SAMPLE_MS = 50

interface Exchange {
  readonly seconds: number
  readonly sentHash: string
  readonly receivedHash: string
  readonly receivedBytes: number
}

export const bigBody: Suite = {
  name: 'big-body',
  question: 'Does the memory of the gateway and the worker stay flat while a huge body goes through to a slow reader?',
  run(options, progress) {
    const bytes = (options.quick ? 256 : 2048) * MiB
    const functions = { 'echo.js': 'export default { fetch: (request) => new Response(request.body) }\n' }
    const overrides = { echo: { minWorkers: 1, maxWorkers: 1, timeout: 'never' } }
    const config = { limits: { body: '4GiB' }, overrides, log: { level: 'warn' } }
    return withGateway(
      () => ({ functions, config }),
      async (gateway) => {
        const url = `${gateway.url}/echo`
        await exchange(url, CHUNK_BYTES, () => {})
        const [worker] = (await gateway.statusOf('echo')).workers
        const samplers = { gateway: sampleRss(gateway.pid, SAMPLE_MS), worker: sampleRss(worker!.pid, SAMPLE_MS) }
        const result = await exchange(url, bytes, progress)
        for (const sampler of Object.values(samplers)) sampler.stop()
        const [after] = (await gateway.statusOf('echo')).workers
        const growth = Object.entries(samplers).map(([name, sampler]) => ({ name, ...inMiB(sampler) }))
        const isWhole = result.receivedBytes === bytes && result.sentHash === result.receivedHash
        return {
          conditions: [
            pinningInWords,
            `${bytes / MiB} MiB in ${result.seconds.toFixed(1)} s; the reader takes at most ${READ_BYTES_PER_SECOND / MiB} MiB/s and stops for ${STOP_MS} ms every ${STOP_EVERY_BYTES / MiB} MiB.`,
            `Resident memory every ${SAMPLE_MS} ms; growth counts from after a first echo of ${CHUNK_BYTES / MiB} MiB.`,
          ],
          table: {
            head: ['', 'before MiB', 'most MiB', 'at the end MiB', 'growth MiB'],
            rows: growth.map(({ name, before, most, end }) => [name, before, most, end, most - before]),
          },
          drawing: {
            title: `Growth of resident memory while ${bytes / MiB} MiB pass`,
            unit: 'MiB',
            bars: [
              ...growth.map(({ name, before, most }) => ({ label: name, value: most - before })),
              { label: 'the body itself', value: bytes / MiB },
            ],
          },
          findings: [
            ...growth.map(({ name, before, most }) =>
              below(64, { measure: `growth of the ${name}`, value: most - before, unit: 'MiB' }),
            ),
            mustBeNone({ measure: 'bodies that came back changed', value: isWhole ? 0 : 1 }),
            mustBeNone({ measure: 'workers that did not last the body', value: after?.pid === worker!.pid ? 0 : 1 }),
          ],
          raw: { result, samples: { gateway: samplers.gateway.samples, worker: samplers.worker.samples } },
        }
      },
    )
  },
}

async function exchange(url: string, bytes: number, progress: Progress): Promise<Exchange> {
  const startedAtMs = performance.now()
  const sent = createHash('sha256')
  const call = request(url, { method: 'POST', headers: { 'content-length': bytes } })
  const sending = pipeline(Readable.from(pieces(bytes, sent), { objectMode: false }), call)
  const [response] = (await once(call, 'response')) as [IncomingMessage]
  if (response.statusCode !== 200) throw new Error(`The echo answered ${response.statusCode}`)
  const received = createHash('sha256')
  const receivedBytes = await readSlowly(response, (chunk) => received.update(chunk), progress)
  await sending
  const seconds = (performance.now() - startedAtMs) / 1000
  return { seconds, sentHash: sent.digest('hex'), receivedHash: received.digest('hex'), receivedBytes }
}

/** Random bytes that differ from piece to piece, so that a lost or doubled one shows in the hash. */
function* pieces(bytes: number, hash: ReturnType<typeof createHash>): Generator<Buffer> {
  const piece = randomBytes(CHUNK_BYTES)
  for (let left = bytes; left > 0; left -= CHUNK_BYTES) {
    const next = Buffer.from(piece.subarray(0, Math.min(left, CHUNK_BYTES)))
    next.writeDoubleLE(left)
    hash.update(next)
    yield next
  }
}

async function readSlowly(
  response: IncomingMessage,
  onChunk: (chunk: Buffer) => void,
  progress: Progress,
): Promise<number> {
  const startedAtMs = performance.now()
  let bytes = 0
  let stoppedMs = 0
  let stops = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    onChunk(chunk)
    bytes += chunk.length
    if (Math.floor(bytes / STOP_EVERY_BYTES) > stops) {
      stops++
      stoppedMs += STOP_MS
      progress(`${Math.round(bytes / MiB)} MiB are through`)
      await pause(STOP_MS)
    }
    const earlyMs = stoppedMs + (bytes / READ_BYTES_PER_SECOND) * 1000 - (performance.now() - startedAtMs)
    if (earlyMs > 5) await pause(earlyMs)
  }
  return bytes
}

function inMiB({ samples }: RssSampler): { before: number; most: number; end: number } {
  return { before: samples[0]! / MiB, most: Math.max(...samples) / MiB, end: samples.at(-1)! / MiB }
}
