/** What a worker that was loaded to be looked at answers under its path: items by kind, an item as often as it is there. */
export interface Traces {
  readonly globals: readonly string[]
  readonly prototypes: readonly string[]
  /** Names only. */
  readonly environment: readonly string[]
  readonly folder: readonly string[]
  readonly listeners: readonly string[]
  /** Timers, sockets and whatever else keeps an event loop awake. */
  readonly resources: readonly string[]
  readonly descriptors: readonly string[]
  readonly children: readonly string[]
  readonly threads: readonly string[]
  /** Module-level names whose value is another, where a runtime can see them. */
  readonly modules: readonly string[]
  /** What is in use after a collection; 0 where it cannot be told. */
  readonly heapBytes: number
}
