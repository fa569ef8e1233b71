/**
 * A function that writes whatever it likes to its worker's wire: every call of it ends, its neighbour's calls are
 * answered as always, and the pool's numbers stay right.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { brokenInvariants, InvocationFailure, WarmPool } from '../../warmpool/index.ts'
import { framesToParent } from './frame-bytes.ts'
import { type Input, type Target, within } from './target.ts'

/** What does not fit into the socket's buffer is not written: it would have to wait. */
const HOSTILE = `import { writeSync } from 'node:fs'
export default (bytes) => {
  try {
    writeSync(3, bytes)
  } catch {}
  return new Promise((resolve) => setTimeout(resolve, 2, 'done'))
}
`
const NEIGHBOUR = 'export default (value) => value\n'

export class FramesToPool implements Target {
  readonly name = 'frames-to-pool'
  readonly atOnce = 2
  readonly make = framesToParent
  #folder = ''
  #pool!: WarmPool
  #version = 0

  async start(): Promise<void> {
    this.#folder = mkdtempSync(join(tmpdir(), 'wrangler-free-fuzz-'))
    writeFileSync(join(this.#folder, 'hostile.mjs'), HOSTILE)
    writeFileSync(join(this.#folder, 'neighbour.mjs'), NEIGHBOUR)
    // Who announces more than it writes has its own answers taken for that: then the time-out ends the call.
    this.#pool = new WarmPool({ maxWorkers: 8, blanks: 2, defaults: { maxWorkers: 1, concurrency: 4, timeoutMs: 500 } })
    await this.#pool.warmedUp()
  }

  check(input: Input): Promise<string | null> {
    return within('the end of all calls', this.#check(Buffer.concat(input)))
  }

  async stop(): Promise<string | null> {
    const broken = brokenInvariants(this.#pool.status())
    await this.#pool.close(0)
    rmSync(this.#folder, { recursive: true })
    return broken.length > 0 ? broken.join(', ') : null
  }

  async #check(bytes: Buffer): Promise<string | null> {
    const hostile = this.#module('hostile')
    const calls = Promise.allSettled(Array.from({ length: 3 }, () => this.#pool.run(hostile, bytes)))
    const answer = await this.#pool.run(this.#module('neighbour'), bytes.length)
    if (answer !== bytes.length) return `a neighbour was answered ${answer}`
    const results = await calls
    for (const result of results)
      if (result.status === 'rejected' && !(result.reason instanceof InvocationFailure)) return `${result.reason}`
    // One whose worker had to go may not be started again at once: the next has a name of its own.
    if (results.some(({ status }) => status === 'rejected')) {
      this.#pool.remove(hostile)
      this.#version++
    }
    return null
  }

  #module(name: string): string {
    const url = pathToFileURL(join(this.#folder, `${name}.mjs`)).href
    return name === 'neighbour' ? url : `${url}?version=${this.#version}`
  }
}
