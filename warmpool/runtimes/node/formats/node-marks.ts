/**
 * What tells an app of Node's `(req, res)` kind from other exports. Small, and there in every blank: it must not load
 * `node:http`.
 */
import type { Exports } from './format.ts'
import { heldServer } from './held-listen.ts'

export interface Server {
  listen(...args: unknown[]): unknown
  emit(event: string, ...args: unknown[]): boolean
  listenerCount(event: string): number
}

interface Fastify {
  ready(): PromiseLike<unknown>
  routing(req: unknown, res: unknown): void
}

interface Koa {
  callback(): (req: unknown, res: unknown) => unknown
}

/** Express, Connect and what is made of them: functions, unlike apps of other kinds that have these methods too. */
export function isConnectApp(value: unknown): boolean {
  return typeof value === 'function' && hasMethods(value, 'handle', 'listen')
}

export function isFastify(value: unknown): value is Fastify {
  return isObject(value) && hasMethods(value, 'ready', 'routing', 'inject')
}

export function isKoa(value: unknown): value is Koa {
  return isObject(value) && hasMethods(value, 'callback', 'listen', 'use')
}

/** A server that hands out requests. */
export function isServer(value: unknown): value is Server {
  return isObject(value) && hasMethods(value, 'listen', 'emit', 'listenerCount') && listens(value as unknown as Server)
}

function listens(server: Server): boolean {
  return server.listenerCount('request') > 0
}

/** What `httpServerHandler` of `cloudflare:node` gives: the server, or the port at which one listens. */
export const HTTP_SERVER = Symbol.for('wrangler-free.http-server')

export function isHttpServerHandler(value: unknown): value is { readonly [HTTP_SERVER]: unknown } {
  return isObject(value) && HTTP_SERVER in value
}

export function isNodeMarked(exports: Exports): boolean {
  const { default: value } = exports
  if (isHttpServerHandler(value)) return true
  if (isConnectApp(value) || isFastify(value) || isKoa(value) || isServer(value)) return true
  return heldServer() !== null && isNothing(exports)
}

/** A module without exports; one of CommonJS has an empty object. */
export function isNothing({ default: value, 'module.exports': _, ...named }: Exports): boolean {
  if (Object.keys(named).length > 0) return false
  const isEmpty =
    isObject(value) && Object.getPrototypeOf(value) === Object.prototype && Object.keys(value).length === 0
  return value === undefined || isEmpty
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

function hasMethods(value: object, ...names: string[]): boolean {
  return names.every((name) => typeof (value as Record<string, unknown>)[name] === 'function')
}
