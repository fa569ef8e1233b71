/**
 * Things by their number, for very many that come and go: the calls under way. A Map's tables link the old one to the
 * next, so one that has grown old keeps alive all that went through its successors: with a Map every call outlived two
 * collections of young memory, which cost the gateway a twelfth of its time. Here the things are linked themselves, and
 * what is taken out holds nothing and is held by nothing.
 */

/** The table owns `nextById`. Numbers count up, so that they fill its buckets evenly. */
export interface Numbered<T> {
  readonly id: number
  nextById: T | null
}

const FIRST_BUCKETS = 64

export class ById<T extends Numbered<T>> {
  size = 0
  #buckets: (T | null)[] = emptyBuckets(FIRST_BUCKETS)

  get(id: number): T | undefined {
    let item = this.#buckets[id & (this.#buckets.length - 1)]!
    while (item !== null && item.id !== id) item = item.nextById!
    return item ?? undefined
  }

  /** It must be in no table. */
  add(item: T): void {
    if (this.size === this.#buckets.length) this.#grow()
    this.size++
    this.#link(item)
  }

  /** Does nothing where it is not in here. */
  delete(item: T): void {
    const bucket = item.id & (this.#buckets.length - 1)
    let before: T | null = null
    let at = this.#buckets[bucket]!
    while (at !== null && at !== item) {
      before = at
      at = at.nextById!
    }
    if (at === null) return
    if (before === null) this.#buckets[bucket] = item.nextById
    else before.nextById = item.nextById
    item.nextById = null
    this.size--
  }

  /** Takes all of them out, in the order of their numbers. */
  takeAll(): T[] {
    const all = this.#buckets.flatMap(chain).sort((one, other) => one.id - other.id)
    for (const item of all) item.nextById = null
    this.#buckets = emptyBuckets(FIRST_BUCKETS)
    this.size = 0
    return all
  }

  #link(item: T): void {
    const bucket = item.id & (this.#buckets.length - 1)
    item.nextById = this.#buckets[bucket]!
    this.#buckets[bucket] = item
  }

  #grow(): void {
    const all = this.#buckets.flatMap(chain)
    this.#buckets = emptyBuckets(this.#buckets.length * 2)
    for (const item of all) this.#link(item)
  }
}

function emptyBuckets<T>(count: number): (T | null)[] {
  return new Array<T | null>(count).fill(null)
}

function chain<T extends Numbered<T>>(first: T | null): T[] {
  const all: T[] = []
  for (let item = first; item !== null; item = item.nextById) all.push(item)
  return all
}
