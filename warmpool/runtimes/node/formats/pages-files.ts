/**
 * A `functions` folder of Cloudflare Pages: `users/[id].js` takes one segment of the path, `[[rest]].js` all that are
 * left, and `_middleware.js` runs before everything in and below its folder. Modules export `onRequest`, or one function
 * for a method (`onRequestGet`), or lists of such.
 */
import type { Load } from '../../../wire/messages.ts'
import type { Call } from '../call.ts'
import { answer } from './fetch.ts'
import type { Exports, Handler } from './format.ts'
import { setOwn } from './own-values.ts'

/** A module for each file, by its path in `functions` without the extension: `users/[id]`. */
export type PagesTable = Readonly<Record<string, Exports>>

type Params = Record<string, string | string[]>
type PagesFunction = (context: PagesContext) => unknown

interface PagesContext {
  readonly request: Request
  readonly functionPath: string
  readonly params: Params
  readonly data: unknown
  readonly env: unknown
  readonly next: (input?: Request | string | URL, init?: RequestInit) => Promise<unknown>
  readonly waitUntil: (promise: Promise<unknown>) => void
  readonly passThroughOnException: () => void
}

interface Route {
  readonly segments: readonly Segment[]
  readonly module: Exports
}

type Segment = { readonly kind: 'name' | 'one' | 'rest'; readonly text: string }

interface Step {
  readonly run: PagesFunction
  readonly params: Params
  readonly functionPath: string
}

const RANK = { name: 0, one: 1, rest: 2 } as const
const MIDDLEWARE = /(?:^|\/)_middleware$/
const NOT_FOUND = (): Response => new Response('Not Found', { status: 404 })

export function pagesHandler(table: PagesTable, { env }: Load): Handler {
  const files = Object.entries(table)
  const middlewares = files
    .filter(([path]) => MIDDLEWARE.test(path))
    .map(([path, module]) => ({ segments: segmentsOf(path.replace(MIDDLEWARE, '')), module }))
    .sort((a, b) => a.segments.length - b.segments.length)
  const routes = files
    .filter(([path]) => !MIDDLEWARE.test(path))
    .map(([path, module]) => ({ segments: segmentsOf(path), module }))
    .sort(compareRoutes)
  // Static files are served by nobody here, so that the place behind the last function is empty.
  const environment = { ...env, ASSETS: { fetch: async () => NOT_FOUND() } }
  return (call) => {
    const request = call.request()
    return answer(call, run(call, request, stepsOf(request, middlewares, routes), environment))
  }
}

function stepsOf(request: Request, middlewares: readonly Route[], routes: readonly Route[]): Step[] {
  const { pathname } = new URL(request.url)
  const path = pathname.split('/').filter((text) => text !== '')
  const steps = middlewares.flatMap((route) => stepsIn(route, path, true, request.method))
  for (const route of routes) {
    const found = stepsIn(route, path, false, request.method)
    if (found.length > 0) return [...steps, ...found]
  }
  return steps
}

function stepsIn({ segments, module }: Route, path: readonly string[], isPrefix: boolean, method: string): Step[] {
  const matched = match(segments, path, isPrefix)
  if (matched === null) return []
  const named = `onRequest${method[0]}${method.slice(1).toLowerCase()}`
  const found = module[named] ?? module.onRequest ?? []
  const functions = (Array.isArray(found) ? found : [found]) as PagesFunction[]
  const functionPath = `/${path.slice(0, matched.length).join('/')}`
  return functions.map((run) => ({ run, params: matched.params, functionPath }))
}

async function run(call: Call, first: Request, steps: readonly Step[], env: unknown): Promise<unknown> {
  let data: unknown = {}
  const waitUntil = (promise: Promise<unknown>): void => call.waitUntil(promise)
  const step = async (at: number, request: Request): Promise<unknown> => {
    const one = steps[at]
    if (one === undefined) return NOT_FOUND()
    // Each function may read the body, whatever the one before it has read.
    const isLast = at === steps.length - 1
    const rest = isLast || request.body === null ? request : request.clone()
    const context = {
      request,
      functionPath: one.functionPath,
      params: one.params,
      get data() {
        return data
      },
      set data(value: unknown) {
        data = value
      },
      env,
      next: (input?: Request | string | URL, init?: RequestInit) =>
        step(at + 1, input === undefined ? rest : new Request(input, init)),
      waitUntil,
      passThroughOnException: () => {},
    }
    return one.run(context)
  }
  return step(0, first)
}

function segmentsOf(path: string): Segment[] {
  return path
    .replace(/(?:^|\/)index$/, '')
    .split('/')
    .filter((text) => text !== '')
    .map((text) => {
      const [, rest, one] = /^(?:\[\[([^[\]]+)\]\]|\[([^[\]]+)\])$/.exec(text) ?? []
      if (rest !== undefined) return { kind: 'rest', text: rest }
      return one === undefined ? { kind: 'name', text } : { kind: 'one', text: one }
    })
}

/** Segment by segment, a name that is written out comes first, and a longer route before a shorter one. */
function compareRoutes({ segments: a }: Route, { segments: b }: Route): number {
  for (let at = 0; at < Math.min(a.length, b.length); at++) {
    const difference = RANK[a[at]!.kind] - RANK[b[at]!.kind]
    if (difference !== 0) return difference
  }
  const isRest = (segments: readonly Segment[]): number => (segments.at(-1)?.kind === 'rest' ? 1 : 0)
  return isRest(a) - isRest(b) || b.length - a.length
}

/** `length`: how many segments of the path it takes. Parameters stay encoded, as there. */
function match(segments: readonly Segment[], path: readonly string[], isPrefix: boolean) {
  const params: Params = {}
  for (const [at, { kind, text }] of segments.entries()) {
    if (kind === 'rest') {
      setOwn(params, text, path.slice(at))
      return { params, length: path.length }
    }
    const found = path[at]
    if (found === undefined || (kind === 'name' && found !== text)) return null
    if (kind === 'one') setOwn(params, text, found)
  }
  return isPrefix || path.length === segments.length ? { params, length: segments.length } : null
}
