/**
 * Which version of a deployed function a call goes to: the one that it names by key, the canary if it is one of the canary's, else
 * the live one. It only looks; what a preview needs before it can be called is done by its promise.
 */
import { cookieIn, headerIn, mayHaveHeader, VERSION_HEADER } from './call-marks.ts'
import { isCanarys } from './canary-policy.ts'
import type { Deployments } from './deployments.ts'
import { PREVIEW_MARK, poolName } from './pool-name.ts'
import type { Previews, Unfit } from './previews.ts'
import { namedVersion, type VersionRecord } from './record.ts'

export interface CallTarget {
  /** What the pool calls that version. */
  readonly pool: string
  readonly version: number
  /** Of a version that the pool does not know: null once it does, else why it cannot. */
  readonly waking: Promise<Unfit | null> | null
}

export class CallTargets {
  readonly #deployments: Deployments
  readonly #previews: Previews
  readonly #isOpen: () => boolean

  /** `isOpen`: versions may be named by their numbers, and not by their keys alone. */
  constructor(deployments: Deployments, previews: Previews, isOpen: () => boolean) {
    this.#deployments = deployments
    this.#previews = previews
    this.#isOpen = isOpen
  }

  /** Null: nothing of this name was deployed that a call could go to. `head` is what its worker would read. */
  of(name: string, head: string): CallTarget | null {
    const markAt = name.indexOf(PREVIEW_MARK)
    if (markAt >= 0) return this.#preview(name.slice(0, markAt), name.slice(markAt + 1))
    const record = this.#deployments.recordOf(name)
    if (record === null) return null
    if (mayHaveHeader(head, VERSION_HEADER)) {
      const pinned = this.#preview(name, headerIn(head, VERSION_HEADER) ?? '')
      if (pinned !== null) return pinned
    }
    const { live, canary } = record
    if (live === null) return null
    const isForCanary = canary !== null && isCanarys(canary, markOf(head, canary.by), Math.random())
    const version = isForCanary && this.#deployments.isStanding(name, canary.version) ? canary.version : live
    return { pool: poolName(name, version), version, waking: null }
  }

  /** Whether a preview of this name is to be had. */
  hasPreview(name: string): boolean {
    const markAt = name.indexOf(PREVIEW_MARK)
    return markAt >= 0 && this.#named(name.slice(0, markAt), name.slice(markAt + 1)) !== null
  }

  #preview(name: string, key: string): CallTarget | null {
    const version = this.#named(name, key)
    if (version === null) return null
    const { number } = version
    const isKnown = this.#deployments.isStanding(name, number)
    if (isKnown) this.#deployments.keepStanding(name, number)
    return {
      pool: poolName(name, number),
      version: number,
      waking: isKnown ? null : this.#previews.wake(name, version),
    }
  }

  #named(name: string, key: string): VersionRecord | null {
    const record = this.#deployments.recordOf(name)
    if (record === null || key === '') return null
    const byKey = record.versions.find((one) => one.key === key)
    return byKey ?? (this.#isOpen() ? namedVersion(record, key) : null)
  }
}

function markOf(head: string, { kind, name }: { readonly kind: string; readonly name: string }): string | null {
  if (kind === 'calls') return null
  return kind === 'header' ? headerIn(head, name) : cookieIn(head, name)
}
