/** The handle on the process of the callers; see load.ts. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Lane } from '../disturbance.ts'
import type { Account, LoadOrder, LoadReport } from './load.ts'

const LOAD = fileURLToPath(new URL('load.ts', import.meta.url))

export class Callers {
  readonly #child: ChildProcess

  private constructor() {
    this.#child = fork(LOAD, { serialization: 'advanced', execArgv: [] })
  }

  static async start(url: string, lanes: readonly Lane[], seed: number): Promise<Callers> {
    const callers = new Callers()
    await callers.#ask({ do: 'prepare', url, lanes, seed })
    return callers
  }

  call(): void {
    this.#child.send({ do: 'call' } satisfies LoadOrder)
  }

  /** Resolves when nothing is under way any more. */
  async rest(): Promise<void> {
    await this.#ask({ do: 'rest' })
  }

  async accounts(): Promise<readonly Account[]> {
    const { accounts } = await this.#ask({ do: 'report' })
    return accounts!
  }

  stop(): void {
    this.#child.kill('SIGKILL')
  }

  async #ask(order: LoadOrder): Promise<LoadReport> {
    this.#child.send(order)
    const [report] = await once(this.#child, 'message')
    return report as LoadReport
  }
}
