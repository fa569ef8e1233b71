/**
 * One request of the corpus and what must come of it. Every case is sent with {@link LAST} behind it: where the
 * connection has to be closed, that one must not be answered, and where it goes on, it must be found where it begins.
 */

/** `refused`: nothing of it reaches a function. `cut`: its head did, and its body never ends. */
export type Reached = 'refused' | 'cut' | readonly string[]

export interface Case {
  readonly name: string
  readonly bytes: string
  /** The statuses that come back before the connection is closed; the last of them is the one to {@link LAST}, if any. */
  readonly answers: readonly number[]
  readonly reached: Reached
  /** The section that asks for it, or why it is so where the RFCs leave a choice. */
  readonly why: string
}

export const HOST = 'host: here\r\n'
export const LINE = '/notes/reached HTTP/1.1\r\n'
export const GET = `GET ${LINE}${HOST}`
export const POST = `POST ${LINE}${HOST}`
export const CHUNKED = `${POST}transfer-encoding: chunked\r\n\r\n`
export const LAST = `GET /notes/last HTTP/1.1\r\n${HOST}connection: close\r\n\r\n`

type Requests = Readonly<Record<string, string>>

/** 400 and a closed connection, before a function hears of it. */
export function refused(why: string, requests: Requests, status = 400): Case[] {
  return Object.entries(requests).map(([name, bytes]) => ({ name, bytes, answers: [status], reached: 'refused', why }))
}

/** 400 and a closed connection; the head was good, and has been passed on by then. */
export function cut(why: string, requests: Requests): Case[] {
  return Object.entries(requests).map(([name, bytes]) => ({ name, bytes, answers: [400], reached: 'cut', why }))
}

/** Answered, and the connection goes on: `reached` as the function notes it. */
export function served(why: string, reached: string, requests: Requests): Case[] {
  return Object.entries(requests).map(([name, bytes]) => ({
    name,
    bytes,
    answers: [200, 200],
    reached: [reached],
    why,
  }))
}

/** Anything else. */
export function answered(
  why: string,
  answers: readonly number[],
  reached: readonly string[],
  requests: Requests,
): Case[] {
  return Object.entries(requests).map(([name, bytes]) => ({ name, bytes, answers, reached, why }))
}
