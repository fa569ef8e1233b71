/**
 * Which bundles somebody needs, and the end of those that nobody does. Two functions of the same content share one: what is
 * being deployed here may be what is removed there, so a bundle that is about to be made waits for its own removal.
 */
import type { Catalog } from '../functions/catalog.ts'
import type { Deployments } from './deployments.ts'

export class BundleKeeper {
  readonly #catalog: Catalog
  readonly #deployments: Deployments
  /** That are being deployed and in no record yet: how often each. */
  readonly #inWork = new Map<string, number>()
  readonly #discarding = new Map<string, Promise<void>>()

  constructor(catalog: Catalog, deployments: Deployments) {
    this.#catalog = catalog
    this.#deployments = deployments
  }

  /** Of everything that was deployed or is about to be. */
  bundles(): string[] {
    return [...this.#deployments.bundles(), ...this.#inWork.keys()]
  }

  /** From here on it is not removed. Resolves when it may be made. */
  async take(bundle: string): Promise<void> {
    this.#inWork.set(bundle, (this.#inWork.get(bundle) ?? 0) + 1)
    await this.#discarding.get(bundle)
  }

  /** A record has it by now, or it was not deployed. */
  letGo(bundle: string): void {
    const count = this.#inWork.get(bundle) ?? 0
    if (count > 1) this.#inWork.set(bundle, count - 1)
    else this.#inWork.delete(bundle)
  }

  /** Removes those that nobody needs. */
  async discardUnused(bundles: readonly string[]): Promise<void> {
    const needed = new Set([...this.bundles(), ...[...this.#catalog.entries.values()].map(({ bundle }) => bundle)])
    const unused = bundles.filter((bundle) => !needed.has(bundle) && !this.#discarding.has(bundle))
    for (const bundle of unused) this.#discarding.set(bundle, this.#discard(bundle))
    await Promise.all(unused.map((bundle) => this.#discarding.get(bundle)))
  }

  async #discard(bundle: string): Promise<void> {
    const { store } = this.#catalog.builder
    try {
      if (await store.has(bundle)) await store.discard(bundle)
    } catch {
      // It is rubbish now; the next start sweeps it.
    } finally {
      this.#discarding.delete(bundle)
    }
  }
}
