/**
 * `app.http(name, { methods, route, handler })` of Azure Functions' v4 model: any number of functions in one folder,
 * registered through the package of the author's own (gateway/functions/platform-modules.ts gives it the part that
 * Azure's host has). Requests and contexts pass for that package's (azure-light.ts), over this runtime's lazy request. Triggers other
 * than HTTP load, are named once in the log, and are never called.
 */
import type { Load } from '../../../wire/messages.ts'
import type { Call } from '../call.ts'
import { parsableUrl } from '../web/request-url.ts'
import { type AzureApp, type AzureFunction, azureApp, type HookCallback } from './azure-app.ts'
import { type Class, type ContextInit, lightContext, lightRequest, type RequestInit } from './azure-light.ts'
import { azureResponse } from './azure-response.ts'
import { AzureRoutes } from './azure-routes.ts'
import type { Format, Handler } from './format.ts'

/** As those of the author's copy of `@azure/functions`. */
interface Classes {
  readonly HttpRequest: Class<RequestInit>
  readonly InvocationContext: Class<ContextInit>
}

interface Served {
  readonly name: string
  readonly run: (request: object, context: object) => unknown
  readonly options: object
  readonly needsKey: boolean
}

export const azureFormat: Format = {
  name: 'azure',
  concurrency: null,
  expects:
    "app.http('name', { methods: ['GET'], handler: async (request, context) => ({ body: '…' }) }) of @azure/functions",
  isMarked: () => azureApp() !== null,
  async handler(_exports, load): Promise<Handler | null> {
    const app = azureApp()
    if (app === null) return null
    const classes = await classesOf(app)
    const routes = routesOf(app, load)
    for (const hook of app.hooks.get('appStart') ?? []) await hook({ hookData: {} })
    const before = app.hooks.get('preInvocation') ?? []
    const after = app.hooks.get('postInvocation') ?? []
    const key = load.env.AZURE_FUNCTIONS_KEY ?? null
    return (call) => {
      const { lines } = call
      const target = lines[2]!
      const queryAt = target.indexOf('?')
      const found = routes.find(lines[1]!, queryAt < 0 ? target : target.slice(0, queryAt))
      if (!('target' in found)) return call.respond(noRoute(found))
      const served = found.target
      const nativeRequest = call.request()
      if (served.needsKey && key !== null && !hasKey(nativeRequest, key))
        return call.respond(new Response(null, { status: 401 }))
      const search = queryAt < 0 ? '' : target.slice(queryAt + 1)
      const request = new classes.HttpRequest({ nativeRequest, params: { ...found.params }, search })
      const context = new classes.InvocationContext({
        invocationId: call.invocationId,
        functionName: served.name,
        options: served.options,
        traceContext: traceOf(call),
      })
      if (before.length > 0 || after.length > 0) return hooked(call, served, request, context, before, after)
      return answer(call, served.run(request, context))
    }
  },
}

function answer(call: Call, result: unknown): unknown {
  if (typeof (result as PromiseLike<unknown> | null)?.then !== 'function') return call.respond(azureResponse(result))
  return (result as PromiseLike<unknown>).then((value) => call.respond(azureResponse(value)))
}

/** Hooks may change what the handler gets, the handler itself, and what it gave. */
async function hooked(
  call: Call,
  served: Served,
  request: object,
  invocationContext: object,
  before: readonly HookCallback[],
  after: readonly HookCallback[],
): Promise<void> {
  const hookData = {}
  const pre = { hookData, invocationContext, inputs: [request] as unknown[], functionCallback: served.run }
  for (const hook of before) await hook(pre)
  const post = { hookData, invocationContext, inputs: pre.inputs, result: null as unknown, error: null as unknown }
  try {
    post.result = await (pre.functionCallback as (...given: unknown[]) => unknown)(...pre.inputs, invocationContext)
  } catch (error) {
    post.error = error
  }
  for (const hook of after) await hook(post)
  if (post.error !== null && post.error !== undefined) throw post.error
  call.respond(azureResponse(post.result))
}

function noRoute(methods: readonly string[]): Response {
  if (methods.length === 0) return new Response(null, { status: 404 })
  return new Response(null, { status: 405, headers: { allow: methods.join(', ') } })
}

function hasKey(request: Request, key: string): boolean {
  if (request.headers.get('x-functions-key') === key) return true
  return new URL(parsableUrl(request.url)).searchParams.get('code') === key
}

function traceOf({ lines }: Call): object | undefined {
  for (let at = 3; at < lines.length; at += 2) if (lines[at] === 'traceparent') return { traceParent: lines[at + 1] }
  return undefined
}

/**
 * The package shows its classes to its host alone: an invocation is made that is never run. Its trigger is none that
 * the package knows, since for HTTP it may wait for a proxy.
 */
async function classesOf({ model }: AzureApp): Promise<Classes> {
  const nativeRequest = new Request('http://localhost/')
  // Versions before 4.11 make a request of the parts.
  const http = { nativeRequest, url: nativeRequest.url, method: 'GET', headers: {}, params: {}, query: {} }
  const bindings = { probe: { type: 'probeTrigger', direction: 'in' } }
  const invocation = model?.getInvocationModel({
    invocationId: 'probe',
    metadata: { name: 'probe', bindings },
    request: { inputData: [{ name: 'probe', data: { http } }] },
    log: () => {},
  })
  const { context, inputs } = (await invocation?.getArguments()) ?? {}
  const request = inputs?.[0] as { url?: string } | undefined
  if (context === undefined || request?.url !== nativeRequest.url)
    throw new TypeError(
      'This version of @azure/functions is not known here: install a newer one; 4.0 to 4.16 are known to work',
    )
  return {
    HttpRequest: lightRequest(request.constructor as Class<object>),
    InvocationContext: lightContext(context.constructor as Class<object>),
  }
}

function routesOf(app: AzureApp, load: Load): AzureRoutes<Served> {
  const prefix = load.platform?.routePrefix ?? 'api'
  const routes = app.functions.flatMap((one) => {
    const trigger = triggerOf(one)
    if (trigger.type?.toLowerCase() !== 'httptrigger') {
      console.warn(`${one.metadata.name} has a ${trigger.type}: only HTTP triggers are called here`)
      return []
    }
    const needsKey = trigger.authLevel === 'function' || trigger.authLevel === 'admin'
    if (needsKey && load.env.AZURE_FUNCTIONS_KEY === undefined)
      console.warn(
        `${one.metadata.name} asks for a key (authLevel), and anybody may call it: give a key as the variable AZURE_FUNCTIONS_KEY`,
      )
    const template = `${prefix}/${trigger.route ?? one.metadata.name}`
    const methods = (trigger.methods ?? ['GET', 'POST']).map((method) => method.toUpperCase())
    const target: Served = { name: one.metadata.name, run: one.callback, options: optionsOf(one), needsKey }
    return [{ template, methods, target }]
  })
  return new AzureRoutes(routes)
}

function triggerOf({ metadata }: AzureFunction): AzureFunction['metadata']['bindings'][string] {
  return (
    Object.values(metadata.bindings).find(({ type }) => /trigger$/i.test(type ?? '')) ?? { type: 'trigger of no type' }
  )
}

/** What `context.options` says. */
function optionsOf({ metadata }: AzureFunction): object {
  const all = Object.entries(metadata.bindings).map(([name, binding]) => ({ ...binding, name }))
  const isTrigger = (type: string | undefined): boolean => /trigger$/i.test(type ?? '')
  return {
    trigger: all.find(({ type }) => isTrigger(type)),
    return: all.find(({ name }) => name === '$return'),
    extraInputs: all.filter(({ type, direction }) => direction === 'in' && !isTrigger(type)),
    extraOutputs: all.filter(({ name, direction }) => direction === 'out' && name !== '$return'),
  }
}
