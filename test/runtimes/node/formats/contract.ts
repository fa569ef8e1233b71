/**
 * What every HTTP format promises alike, as calls and the answers they get. A format joins contract.test.ts with one
 * {@link Sample}: a module in its own style that answers all of {@link CASES}. Paths stand for what the module has to do:
 *
 * - `/hello`: 200, the text `hello`
 * - `/echo`: JSON `{ method, path, name, body }`; `name` is the query's parameter of that name, `body` the request's text
 * - `/json`: JSON `{ ok: true }`
 * - `/throw`: throws `new Error('boom')`
 * - `/missing`: 404, the header `x-reason: nothing here`, the text `missing`
 * - `/bytes`: the request's own bytes as `application/octet-stream`
 * - `/cookies`: the cookies `a=1` and `b=2; Path=/`, and the text `set`
 */
import { expect } from 'vitest'
import type { Answer, Asked } from './called.ts'

export interface Sample {
  readonly format: string
  /** Its exports say what it is, so that `format` need not be stated. */
  readonly isInferred: boolean
  /** The text of an ES module. */
  readonly module: string
  /** The export to call, as `function.json` would say. */
  readonly handler?: string
  /** It imports packages: it is built as the gateway builds functions. */
  readonly isBundled?: true
  /** Further files of the function, by their paths. */
  readonly files?: Readonly<Record<string, string>>
  /** What stands before the paths, for formats with a prefix of their own: `/api`. */
  readonly prefix?: string
}

export interface Case {
  readonly promise: string
  readonly asked: Asked & { readonly url: string }
  check(answer: Answer, prefix: string): void
}

/** Not UTF-8, and with the bytes that line-based and C-like code stumbles over. */
const BYTES = Uint8Array.from({ length: 512 }, (_, at) => at % 256)

export const CASES: readonly Case[] = [
  {
    promise: 'answers hello',
    asked: { url: '/hello' },
    check(answer) {
      expect(answer).toMatchObject({ status: 200, failure: null })
      expect(answer.body.toString()).toBe('hello')
    },
  },
  {
    promise: 'sees method, path, query and body',
    asked: {
      method: 'POST',
      url: '/echo?name=Ada%20L&other=1',
      headers: { 'content-type': 'text/plain', 'content-length': '6' },
      body: 'grüß',
    },
    check(answer, prefix) {
      const echo = { method: 'POST', path: `${prefix}/echo`, name: 'Ada L', body: 'grüß' }
      expect(JSON.parse(answer.body.toString())).toEqual(echo)
    },
  },
  {
    promise: 'sees a request without query and body',
    asked: { method: 'DELETE', url: '/echo?name=' },
    check(answer) {
      expect(JSON.parse(answer.body.toString())).toMatchObject({ method: 'DELETE', name: '' })
    },
  },
  {
    promise: 'answers with JSON',
    asked: { url: '/json' },
    check(answer) {
      expect(fieldOf(answer, 'content-type')).toMatch(/^application\/json\b/)
      expect(JSON.parse(answer.body.toString())).toEqual({ ok: true })
    },
  },
  {
    promise: 'reports what the handler throws',
    asked: { url: '/throw' },
    check({ failure }) {
      expect(failure).toMatchObject({ code: 'handler-threw' })
      expect(failure!.message).toContain('boom')
    },
  },
  {
    promise: 'answers with a status and a header',
    asked: { url: '/missing' },
    check(answer) {
      expect(answer).toMatchObject({ status: 404, failure: null })
      expect(fieldOf(answer, 'x-reason')).toBe('nothing here')
      expect(answer.body.toString()).toBe('missing')
    },
  },
  {
    promise: 'takes and gives bytes as they are',
    asked: {
      method: 'PUT',
      url: '/bytes',
      headers: { 'content-type': 'application/octet-stream', 'content-length': String(BYTES.length) },
      body: BYTES,
    },
    check(answer) {
      expect(fieldOf(answer, 'content-type')).toMatch(/^application\/octet-stream\b/)
      expect(answer.body.equals(BYTES)).toBe(true)
    },
  },
  {
    promise: 'sets two cookies, each in a header of its own',
    asked: { url: '/cookies' },
    check(answer) {
      const cookies = answer.fields.filter(([name]) => name === 'set-cookie').map(([, value]) => value)
      expect(cookies).toEqual(['a=1', 'b=2; Path=/'])
      expect(answer.body.toString()).toBe('set')
    },
  },
  {
    promise: 'answers HEAD without a body',
    asked: { method: 'HEAD', url: '/hello' },
    check(answer) {
      expect(answer).toMatchObject({ status: 200, failure: null })
      expect(answer.body.length).toBe(0)
    },
  },
]

/** The only header of that name. */
export function fieldOf(answer: Answer, name: string): string {
  const values = answer.fields.filter(([one]) => one === name).map(([, value]) => value)
  expect(values, `${name} in ${JSON.stringify(answer.fields)}`).toHaveLength(1)
  return values[0]!
}
