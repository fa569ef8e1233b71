/**
 * Versions that have no traffic, when somebody calls one by its key: its bundle is read before it is run, and the pool is told of
 * it. Whoever calls waits for that; what is damaged or cannot be run here any longer is said, and nobody else notices.
 */
import { ConfigError } from '../config/index.ts'
import type { BundleStore } from '../functions/bundle-store.ts'
import type { ProblemCode } from '../http/problem.ts'
import type { Logger } from '../log.ts'
import type { Deployments } from './deployments.ts'
import { poolName } from './pool-name.ts'
import type { VersionRecord } from './record.ts'

/** Why a version cannot be called. */
export interface Unfit {
  readonly code: ProblemCode
  readonly detail: string
}

export class Previews {
  readonly #deployments: Deployments
  readonly #store: BundleStore
  readonly #log: Logger
  /** By the pool's name: many may call a version before it is known. */
  readonly #waking = new Map<string, Promise<Unfit | null>>()

  constructor(deployments: Deployments, store: BundleStore, log: Logger) {
    this.#deployments = deployments
    this.#store = store
    this.#log = log
  }

  /** Null: the pool knows it. Never rejects. */
  wake(name: string, version: VersionRecord): Promise<Unfit | null> {
    const key = poolName(name, version.number)
    const known = this.#waking.get(key)
    if (known !== undefined) return known
    const waking = this.#wake(name, version)
      .catch((error: Error) => this.#unfit(name, version, error))
      .finally(() => this.#waking.delete(key))
    this.#waking.set(key, waking)
    return waking
  }

  async #wake(name: string, version: VersionRecord): Promise<Unfit | null> {
    const { number, bundle } = version
    const source = this.#deployments.sourceOf(name, version)
    if (!(await this.#store.verify(bundle))) {
      const detail = `What is stored of version ${number} is damaged: its bytes are not those of its hash. Deploy it again`
      this.#log.error({ function: name, version: String(number) }, detail)
      return { code: 'corrupted', detail }
    }
    // It may have been removed, or made live, while it was read.
    if (this.#deployments.recordOf(name)?.versions.includes(version) !== true)
      return { code: 'not-found', detail: `"${name}" has no version ${number} any longer` }
    if (!this.#deployments.isStanding(name, number))
      this.#deployments.stand(name, version, source, this.#store.at(bundle), 0)
    return null
  }

  #unfit(name: string, { number }: VersionRecord, error: Error): Unfit {
    this.#log.error({ function: name, version: String(number) }, `this version cannot be called: ${error.message}`)
    if (!(error instanceof ConfigError)) return { code: 'internal', detail: "The gateway's log says why." }
    return { code: 'build-failed', detail: `Version ${number} is none that can be served here: ${error.message}` }
  }
}
