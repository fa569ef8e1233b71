/**
 * A whole gateway over TCP: what comes back are answers and nothing else, no more of them than there were requests, the
 * connection ends, and a neighbour is answered meanwhile.
 */
import { once } from 'node:events'
import { connect } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { createLog, Gateway, loadConfig } from '../../gateway/index.ts'
import { Project } from '../e2e/project.ts'
import { readAnswers } from './http-answers.ts'
import { httpInput } from './http-requests.ts'
import { HEADERS_BYTES, transcriptOf } from './http-transcript.ts'
import { type Input, type Target, within } from './target.ts'

const ECHO = 'export default async (request) => new Response(request.method + " " + (await request.text()))\n'
/** More than a run of some minutes may take, less than what a leak of connections or bodies adds up to. */
const MOST_GROWTH_BYTES = 200 * 1024 * 1024

export class HttpGateway implements Target {
  readonly name = 'http-gateway'
  readonly atOnce = 64
  readonly make = httpInput
  #project!: Project
  #gateway!: Gateway
  #rssBytes = 0

  async start(): Promise<void> {
    const limits = {
      headers: HEADERS_BYTES,
      headersTimeout: '300ms',
      bodyTimeout: '300ms',
      keepAliveTimeout: '300ms',
    }
    const listen = { port: 0 }
    const overrides = { echo: { minWorkers: 1 } }
    this.#project = new Project(
      { echo: ECHO },
      { listen, admin: { port: 0 }, limits, overrides, log: { level: 'error' } },
    )
    const config = await loadConfig({ cwd: this.#project.folder, env: {} })
    this.#gateway = await Gateway.start(config, createLog(config.log))
    this.#rssBytes = process.memoryUsage.rss()
  }

  check(input: Input): Promise<string | null> {
    return within('the end of its connection', this.#check(input))
  }

  async stop(): Promise<string | null> {
    const open = this.#gateway.status().gateway.requestsInFlight
    await this.#gateway.stop()
    this.#project.remove()
    const grownBytes = process.memoryUsage.rss() - this.#rssBytes
    if (grownBytes > MOST_GROWTH_BYTES) return `the gateway has grown by ${grownBytes} bytes`
    return open > 0 ? `${open} requests were not over` : null
  }

  async #check(input: Input): Promise<string | null> {
    const [text, neighbour] = await Promise.all([this.#send(input), this.#askNeighbour()])
    if (neighbour !== null) return neighbour
    const { requests, unreadable } = transcriptOf([Buffer.concat(input)])
    const { statuses, mistake } = readAnswers(
      text,
      requests.map(({ method }) => method),
    )
    if (mistake !== null) return `${mistake} in ${JSON.stringify(text)}`
    const finals = statuses.filter((status) => status >= 200)
    const most = requests.length + (unreadable === null ? 0 : 1) + (this.#isLateLast(finals) ? 1 : 0)
    if (finals.length > most) return `${finals.length} answers to ${most} requests: ${JSON.stringify(text)}`
    const bad = finals.find((status) => ![200, 204, 400, 404, 405, 408, 413, 414, 417, 431, 501, 505].includes(status))
    return bad === undefined ? null : `status ${bad}: ${JSON.stringify(text)}`
  }

  /** The beginning of a request that does not go on is answered, too. */
  #isLateLast(finals: readonly number[]): boolean {
    return finals.at(-1) === 408
  }

  async #send(input: Input): Promise<string> {
    const { hostname, port } = new URL(this.#gateway.address)
    const socket = connect({ host: hostname, port: Number(port), noDelay: true, allowHalfOpen: true })
    let text = ''
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1')
    })
    socket.on('error', () => {})
    // It waits for what the gateway does of its own.
    socket.on('end', () => socket.end())
    const closed = once(socket, 'close')
    await once(socket, 'connect').catch(() => {})
    for (const piece of input) {
      socket.write(piece)
      if (input.length < 64) await turn()
    }
    await closed
    return text
  }

  async #askNeighbour(): Promise<string | null> {
    const response = await fetch(`${this.#gateway.address}/echo/`, { method: 'POST', body: 'neighbour' })
    const text = await response.text()
    return text === 'POST neighbour' ? null : `a neighbour was answered ${response.status} ${text}`
  }
}
