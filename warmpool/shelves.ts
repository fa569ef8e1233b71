/**
 * The shelves of blanks, one for each kind of them: which functions use it, and so how many blanks it keeps. What nobody
 * uses is emptied, the process that its blanks were forked from included.
 */
import { type BlankKind, ordinaryKind } from './blank-kind.ts'
import type { BlankShelf } from './blank-shelf.ts'

export class Shelves {
  /** By their kinds' keys. */
  readonly #byKey = new Map<string, BlankShelf>()
  /** How many functions. */
  readonly #users = new Map<BlankShelf, number>()
  readonly #make: (kind: BlankKind) => BlankShelf
  /** Of the kind that most functions will use: there before any does. */
  readonly #first: BlankShelf

  constructor(make: (kind: BlankKind) => BlankShelf) {
    this.#make = make
    this.#first = this.#shelfOf(ordinaryKind('node'))
  }

  [Symbol.iterator](): Iterator<[kind: string, shelf: BlankShelf]> {
    return this.#byKey[Symbol.iterator]()
  }

  get(kind: string): BlankShelf | null {
    return this.#byKey.get(kind) ?? null
  }

  get blanks(): number {
    return this.#sum((shelf) => shelf.blanks)
  }

  get starting(): number {
    return this.#sum((shelf) => shelf.starting)
  }

  get forking(): number {
    return this.#sum((shelf) => shelf.forking)
  }

  get hasTemplates(): boolean {
    return [...this.#byKey.values()].some((shelf) => shelf.hasTemplate)
  }

  /** A function's workers are made from blanks of this kind. */
  use(kind: BlankKind): void {
    const shelf = this.#shelfOf(kind)
    this.#users.set(shelf, this.#usersOf(shelf) + 1)
  }

  /** A function has no use for this kind any longer. Others may have. */
  leave(kind: BlankKind, nowMs: number): void {
    const shelf = this.#byKey.get(kind.key)
    if (shelf === undefined) return
    this.#users.set(shelf, this.#usersOf(shelf) - 1)
    if (!shelf.isOneFunctions) return
    this.#byKey.delete(kind.key)
    this.#users.delete(shelf)
    shelf.empty('replaced', nowMs)
  }

  /** How many blanks it keeps for whoever comes, of so many that each does: those that are used, and the first until one is. */
  spareOf(shelf: BlankShelf, blanks: number): number {
    if (shelf.isOneFunctions) return 0
    const isUsed = this.#usersOf(shelf) > 0 || (shelf === this.#first && !this.#isAnyUsed())
    return isUsed ? blanks : 0
  }

  /** To be asked again and again: what is just being started comes later. */
  emptyUnused(nowMs: number): void {
    if (!this.#isAnyUsed()) return
    for (const shelf of this.#byKey.values()) if (this.#usersOf(shelf) === 0) shelf.empty('replaced', nowMs)
  }

  /** Nothing is wanted of any of them any more. */
  close(nowMs: number): void {
    for (const shelf of this.#byKey.values()) shelf.close(nowMs)
  }

  /** To be asked when nothing is being forked: there would be a process that nobody knows. */
  endTemplates(): void {
    for (const shelf of this.#byKey.values()) shelf.endTemplate()
  }

  #isAnyUsed(): boolean {
    for (const users of this.#users.values()) if (users > 0) return true
    return false
  }

  #usersOf(shelf: BlankShelf): number {
    return this.#users.get(shelf) ?? 0
  }

  #shelfOf(kind: BlankKind): BlankShelf {
    const shelf = this.#byKey.get(kind.key) ?? this.#make(kind)
    this.#byKey.set(kind.key, shelf)
    return shelf
  }

  #sum(of: (shelf: BlankShelf) => number): number {
    let sum = 0
    for (const shelf of this.#byKey.values()) sum += of(shelf)
    return sum
  }
}
