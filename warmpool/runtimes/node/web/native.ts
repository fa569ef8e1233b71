/**
 * Node's own web classes, taken only when something needs what they alone can do. Loading them costs a process more
 * than booting did, in time and in memory, and building a native Request, Headers and Response costs 40 to 60 µs a
 * call: so handlers get lazy ones, and most workers never load these.
 *
 * Node loads them with the first look at any of their globals, and looking is also the only way to get them: once a
 * lazy class has taken such a global's place, there is no way back. So they are caught while they are being loaded,
 * as their modules describe their members with `Object.defineProperties`, whatever caused it.
 */

export interface NativeWeb {
  readonly Request: typeof globalThis.Request
  readonly Response: typeof globalThis.Response
  readonly Headers: typeof globalThis.Headers
  readonly fetch: typeof globalThis.fetch
}

export type ClassName = 'Request' | 'Response' | 'Headers'

export type NativeRequest = InstanceType<typeof globalThis.Request>
export type NativeResponse = InstanceType<typeof globalThis.Response>

export type RequestInput = ConstructorParameters<typeof globalThis.Request>[0]
export type ResponseBody = ConstructorParameters<typeof globalThis.Response>[0]

const MODULE = 'internal/deps/undici/undici'
/** The versions of that module whose loading is known; with another one the classes are taken at boot. */
const KNOWN_VERSIONS = /^[78]\./

const listeners: ((web: NativeWeb) => void)[] = []
// Does not load them; calling it does.
const nativeFetch = globalThis.fetch
const caught: Partial<Record<ClassName, unknown>> = {}
let trap: typeof Object.defineProperties | null = null
let web: NativeWeb | null = null

/** Node's own, loaded now if they are not. */
export function nativeWeb(): NativeWeb {
  return web ?? loaded(caughtClasses())
}

/** The same, or null while nothing needs them: then there are no native objects of theirs either. */
export function loadedWeb(): NativeWeb | null {
  return web
}

/** Calls back as soon as they are loaded; at once if they are. */
export function whenLoaded(listener: (web: NativeWeb) => void): void {
  if (web === null) listeners.push(listener)
  else listener(web)
}

/** To be called before anything takes the place of their globals. */
export function catchNativeWeb(): void {
  if (canBeCaught()) lieInWait()
  else loaded(globalThis)
}

function loaded({ Request, Response, Headers }: Omit<NativeWeb, 'fetch'>): NativeWeb {
  web = { Request, Response, Headers, fetch: nativeFetch }
  for (const listener of listeners.splice(0)) listener(web)
  return web
}

function canBeCaught(): boolean {
  const { moduleLoadList } = process as unknown as { moduleLoadList?: readonly string[] }
  const isLoaded = moduleLoadList?.some((name) => name.endsWith(MODULE)) ?? true
  return !isLoaded && KNOWN_VERSIONS.test(process.versions.undici ?? '')
}

function caughtClasses(): Omit<NativeWeb, 'fetch'> {
  if (!isAllCaught()) {
    // A library may have put its own in the place of ours.
    lieInWait()
    // Fails, since there is nothing at such an address, after it has loaded everything.
    nativeFetch('').catch(() => {})
  }
  if (!isAllCaught()) throw new Error(`The web classes of Node ${process.versions.node} were not found`)
  return caught as NativeWeb
}

/** Until all are caught. A proxy, so that whoever looks at the function meanwhile sees the native one. */
function lieInWait(): void {
  const before = Object.defineProperties
  if (before === trap) return
  trap = new Proxy(before, {
    apply(target, self, args: [unknown, PropertyDescriptorMap]) {
      const result: unknown = Reflect.apply(target, self, args)
      catchClass(args[0], args[1]?.[Symbol.toStringTag]?.value)
      if (isAllCaught() && Object.defineProperties === trap) Object.defineProperties = before
      return result
    },
  })
  Object.defineProperties = trap
}

function catchClass(prototype: unknown, name: unknown): void {
  if (name !== 'Request' && name !== 'Response' && name !== 'Headers') return
  if (isNodeCalling()) caught[name] = (prototype as object).constructor
}

function isAllCaught(): boolean {
  return caught.Request !== undefined && caught.Response !== undefined && caught.Headers !== undefined
}

/** The module exists as a package too, which describes its own classes in the same way. */
function isNodeCalling(): boolean {
  const { prepareStackTrace, stackTraceLimit } = Error
  Error.stackTraceLimit = Number.POSITIVE_INFINITY
  Error.prepareStackTrace = (_, sites) => sites.some((site) => site.getFileName() === `node:${MODULE}`)
  const isNode = new Error().stack as unknown as boolean
  Object.assign(Error, { prepareStackTrace, stackTraceLimit })
  return isNode
}
