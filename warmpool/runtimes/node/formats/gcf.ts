/**
 * Google Cloud Functions: `exports.<target> = (req, res)` and what is registered with
 * `@google-cloud/functions-framework`, by `http`, `cloudEvent` or `typed`. HTTP functions get a parsed `body` and
 * `rawBody`; events are POST only, in binary or structured mode, and answer 204 unless they return something.
 */
import type { Call } from '../call.ts'
import { withBody } from '../reqres/body-parsing.ts'
import { GoogleRequest } from '../reqres/google-request.ts'
import { HelpedResponse } from '../reqres/helped-response.ts'
import { giveTo, openAs } from '../reqres/serve.ts'
import type { Exports, Format, Handler } from './format.ts'
import { backgroundEventIn, cloudEventIn } from './gcf-events.ts'
import { type Registered, registeredFunctions, type Signature } from './gcf-registry.ts'
import { typedListener } from './gcf-typed.ts'

type Load = Parameters<Format['handler']>[1]
type Listener = (req: GoogleRequest, res: HelpedResponse) => unknown
type Done = (error?: unknown, result?: unknown) => void

export const gcfFormat: Format = {
  name: 'gcf',
  concurrency: null,
  expects: 'functions.http(name, (req, res) => { … }), functions.cloudEvent(…), or exports.NAME = (req, res) => { … }',
  isMarked: () => registeredFunctions() !== null,
  handler(exports, load): Handler | null {
    const found = chosen(exports, load)
    return found === null ? null : serveAs(listenerOf(found))
  },
}

function serveAs(listener: Listener): Handler {
  return (call: Call) =>
    withBody(call, (bytes) => {
      const exchange = openAs(call, GoogleRequest, HelpedResponse)
      if (bytes !== null) exchange.spend()
      giveTo((req, res) => {
        req.parse(bytes)
        return listener(req, res)
      }, exchange)
    })
}

function listenerOf({ signature, handler }: Registered): Listener {
  switch (signature) {
    case 'http':
      return handler as Listener
    case 'typed':
      return typedListener(handler)
    case 'cloudevent':
      return eventListener(handler as (...args: unknown[]) => unknown, (req) => [cloudEventIn(req)])
    case 'event':
      return eventListener(handler as (...args: unknown[]) => unknown, backgroundEventIn)
  }
}

function eventListener(handler: (...args: unknown[]) => unknown, argsOf: (req: GoogleRequest) => unknown[]): Listener {
  return async (req, res) => {
    if (req.method !== 'POST')
      return res.status(405).set('allow', 'POST').type('txt').send('Events are POST requests\n')
    const args = argsOf(req)
    const result = handler.length > args.length ? await calledBack(handler, args) : await handler(...args)
    if (result === undefined || result === null) return res.status(204).end()
    return typeof result === 'number' ? res.json(result) : res.send(result)
  }
}

function calledBack(handler: (...args: unknown[]) => unknown, args: unknown[]): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const done: Done = (error, result) => (error ? reject(error) : resolve(result))
    handler(...args, done)
  })
}

/** The one that is asked for, else the only one there is. Throws where that is not clear. */
function chosen(exports: Exports, load: Load): Registered | null {
  const { handler, env, name } = load
  const registered = registeredFunctions() ?? new Map<string, Registered>()
  const target = handler ?? env.FUNCTION_TARGET ?? env.GOOGLE_FUNCTION_TARGET ?? null
  if (target !== null)
    return registered.get(target) ?? exported(exports, target, load) ?? missing(target, registered, exports)
  if (registered.size === 1) return [...registered.values()][0]!
  const named = registered.get(name) ?? exported(exports, name, load)
  if (named !== null && named !== undefined) return named
  const names = registered.size > 0 ? [...registered.keys()] : functionsIn(exports)
  if (names.length < 2) return names.length === 0 ? null : exported(exports, names[0]!, load)
  throw new TypeError(
    `There are ${names.length} functions: ${names.join(', ')}. Say which one with "handler": "${names[0]}" in function.json, or with the variable FUNCTION_TARGET.`,
  )
}

function missing(target: string, registered: ReadonlyMap<string, Registered>, exports: Exports): never {
  const names = [...new Set([...registered.keys(), ...functionsIn(exports)])]
  const found = names.length === 0 ? 'It has no functions' : `There are: ${names.join(', ')}`
  throw new TypeError(`The module neither registers nor exports a function "${target}". ${found}.`)
}

/** `target` may lead through objects: `api.hello`. */
function exported(exports: Exports, target: string, load: Load): Registered | null {
  const whole = (exports['module.exports'] ?? exports) as unknown
  const handler = target
    .split('.')
    .reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], whole)
  return typeof handler === 'function' ? { signature: signatureIn(load), handler } : null
}

function functionsIn(exports: Exports): string[] {
  return Object.keys(exports).filter((name) => name !== 'module.exports' && typeof exports[name] === 'function')
}

/** Of exported functions, which cannot say it themselves. */
function signatureIn({ env, platform }: Load): Signature {
  const stated = platform?.signature ?? env.FUNCTION_SIGNATURE_TYPE
  if (stated === undefined || stated === 'http') return 'http'
  if (stated === 'cloudevent' || stated === 'event' || stated === 'typed') return stated
  throw new TypeError(
    `The signature type (FUNCTION_SIGNATURE_TYPE, --signature-type) is "${stated}"; it may be http, cloudevent, event or typed.`,
  )
}
