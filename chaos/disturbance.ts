/**
 * What a disturbance is: a file in disturbances/ that brings the functions it harms, the callers of these, and one
 * strike. It says what its victims' callers may be answered while it strikes, and nobody else may be answered anything
 * but what was asked for. Adding one is writing a file and naming it in disturbances/index.ts.
 */
import type { GatewayStatus } from '../gateway/admin/status.ts'
import type { Random } from './lib/random.ts'

/** One of the many small callers: asks again and again, one call at a time. */
export interface Lane {
  readonly function: string
  /** From one call to the next, on average; a longer call is followed by the next at once. */
  readonly everyMs: number
  readonly method?: 'GET' | 'POST' | 'PUT'
  /** At most; each call draws its own size. */
  readonly bodyBytes?: number
  /** Behind the function's path. */
  readonly query?: string
}

export interface Disturbance {
  readonly name: string
  /** What is done, in one line. */
  readonly does: string
  /** Paths inside functions/ and what stands in them; JavaScript unless the name says otherwise. */
  readonly functions?: Readonly<Record<string, string>>
  readonly settings?: Readonly<Record<string, object>>
  readonly lanes?: readonly Lane[]
  /**
   * Besides '200', what calls may be answered during a strike, by the name of the function; '*' is for every function
   * that has to start processes: the healthy ones are never among them.
   */
  readonly mayAnswer?: Readonly<Record<string, readonly string[]>>
  /** Strikes of those that have this wait for each other: they wait for what another of them would prevent. */
  readonly isAlone?: true
  /** Why this machine or user cannot have it; null where it can be had. */
  missing?(): string | null
  /** Resolves when it is over, with what it did in a few words. Throws when something that it waited for did not come. */
  strike(scene: Scene, random: Random): Promise<string>
}

/** What a strike may touch. */
export interface Scene {
  /** The public address, without a slash at its end. */
  readonly url: string
  readonly pid: number
  readonly project: ChaosProject
  status(): Promise<GatewayStatus>
  /** A call of the strike's own, on a connection of its own. */
  ask(path: string, init?: AskInit): Promise<Answer>
  /** Asks again and again until it is so; throws, with these words, when that takes longer than anything may. */
  until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void>
  /** Lines that the gateway has logged so far, and those that it will. */
  readonly log: readonly string[]
  /** Moves the gateway's `Date` to so far from the truth. */
  shiftClock(byMs: number): Promise<void>
}

export interface AskInit {
  readonly headers?: Readonly<Record<string, string>>
  readonly method?: string
  readonly body?: Uint8Array | string
}

export interface Answer {
  /** `200`, `502 worker-died`, `refused`; see lib/outcome.ts. */
  readonly outcome: string
  readonly body: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
}

/** The folder in which the gateway under test works. */
export interface ChaosProject {
  readonly folder: string
  /** A small file system of its own; null where there is none. */
  readonly smallState: string | null
  write(file: string, text: string): void
  remove(file: string): void
  /** The settings that all functions of this run need, with further ones for some. */
  configText(settings?: Readonly<Record<string, object>>): string
  configure(text: string): void
}
