/**
 * Uploads under way: the manifests of folders whose files are arriving. They are in memory only: after a restart a client
 * says its manifest again, and what had arrived is still there.
 */
import { type Manifest, manifestId } from './manifest.ts'
import { Refusal } from './refusal.ts'

const MAX_OPEN = 64
const FORGOTTEN_MS = 3_600_000

export class Uploads {
  /** `clients`: how many have begun it and not ended it. Two may send the same content at the same time. */
  readonly #open = new Map<string, { readonly manifest: Manifest; readonly atMs: number; clients: number }>()

  /** Returns the upload's id, which is that of the version that it becomes. */
  begin(name: string, manifest: Manifest, nowMs: number): string {
    const id = manifestId(manifest)
    const key = keyOf(name, id)
    const clients = (this.#open.get(key)?.clients ?? 0) + 1
    this.#open.delete(key)
    for (const [other, { atMs }] of this.#open) {
      if (this.#open.size < MAX_OPEN && nowMs - atMs < FORGOTTEN_MS) break
      this.#open.delete(other)
    }
    this.#open.set(key, { manifest, atMs: nowMs, clients })
    return id
  }

  manifestOf(name: string, id: string): Manifest {
    const found = this.#open.get(keyOf(name, id))
    if (found !== undefined) return found.manifest
    throw new Refusal(
      'not-found',
      `No upload ${id.slice(0, 40)} of "${name}" is under way: send its manifest first, or again`,
    )
  }

  /** One client needs it no longer. What a client began twice, because a line was lost, is forgotten in time. */
  end(name: string, id: string): void {
    const found = this.#open.get(keyOf(name, id))
    if (found !== undefined && --found.clients === 0) this.#open.delete(keyOf(name, id))
  }
}

function keyOf(name: string, id: string): string {
  return `${name}/${id}`
}
