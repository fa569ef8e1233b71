/**
 * The admin address as an application without sockets: it mounts the rows of the table (operations.ts), lets in who may,
 * and says in a problem document what was wrong with a request that it does not serve. Nothing of it is ever cached.
 */
import type { IncomingMessage } from 'node:http'
import { type Context, Hono, type MiddlewareHandler } from 'hono'
import type { DeployService } from '../deploy/service.ts'
import { mayDo, maySee, type Principal } from '../deploy/token-store.ts'
import { problem } from '../http/problem.ts'
import { notFound, refuse, respond } from './answers.ts'
import { deployHandlers } from './deploy-api.ts'
import { principalOf } from './guard.ts'
import { OPERATIONS, type Operation, type OperationId } from './operations.ts'
import type { AdminSource, FunctionReport } from './status.ts'
import { RETRY_AFTER_S, TokenGuesses } from './token-guesses.ts'

type Handler = (c: Context, who: Principal) => Promise<Response> | Response
/** Returns who asks, or the refusal of whoever may not. */
type Identify = (c: Context) => Promise<Principal | Response>

/** Nobody in particular: what is for everybody. */
const ANYBODY: Principal = { name: '', scope: 'read', functions: [] }

/** Everything but `/healthz` and `/readyz` wants a token as `Authorization: Bearer <token>`. `deploy`: null takes no deployments. */
export function createAdminApp(source: AdminSource, deploy: DeployService | null = null): Hono {
  const app = new Hono()
  app.use(responseHeaders)
  const handlers = { ...ownHandlers(source), ...(deploy === null ? {} : deployHandlers(deploy)) }
  const guesses = new TokenGuesses()
  const identify: Identify = async (c) => {
    const authorization = c.req.header('authorization')
    const who = principalOf(source.adminToken, deploy?.tokens ?? null, authorization)
    const verdict =
      authorization === undefined ? 'judged' : await guesses.judge(addressOf(c), authorization, who !== null)
    return verdict === 'too-many' ? tooManyGuesses() : (who ?? unauthorized(c))
  }
  const rows = (Object.entries(OPERATIONS) as [OperationId, Operation][]).filter(([id]) => handlers[id] !== undefined)
  for (const [id, operation] of rows) mount(app, identify, operation, handlers[id]!)
  const byPath = Map.groupBy(
    rows.map(([, operation]) => operation),
    ({ path }) => path,
  )
  for (const [path, operations] of byPath) mountOthers(app, identify, path, operations)
  app.all('*', async (c) => {
    const who = await identify(c)
    if (who instanceof Response) return who
    return notFound(`The admin address has no ${c.req.path}. /v1/openapi.json says what it has.`)
  })
  app.onError(refuse)
  return app
}

function ownHandlers(source: AdminSource): Partial<Record<OperationId, Handler>> {
  const visible = (who: Principal): FunctionReport[] =>
    source.status().functions.filter(({ name }) => maySee(who, name))
  return {
    health: (c) => c.json({ status: 'ok' }),
    ready: (c) => (source.isReady() ? c.json({ status: 'ready' }) : c.json({ status: 'not ready' }, 503)),
    status: (c, who) => c.json({ ...source.status(), functions: visible(who) }),
    functions: (c, who) => c.json({ functions: visible(who).map(summary) }),
    function: (c, who) => {
      const name = c.req.param('name')!
      const found = visible(who).find((fn) => fn.name === name)
      return found ? c.json(found) : notFound(`No function is called "${name}". /v1/functions lists those there are.`)
    },
  }
}

function mount(app: Hono, identify: Identify, row: Operation, handler: Handler): void {
  app.on(row.method.toUpperCase(), row.path, async (c) => {
    if (row.scope === null) return handler(c, ANYBODY)
    const who = await identify(c)
    if (who instanceof Response) return who
    if (!mayDo(who, row.scope))
      return forbidden(
        `The token "${who.name}" may ${who.scope}${who.functions === null ? '' : ' single functions'}, and this takes one that may ${row.scope}${row.scope === 'admin' ? ' all functions' : ''}.`,
      )
    const name = c.req.param('name')
    if (name !== undefined && !maySee(who, name))
      return forbidden(`The token "${who.name}" is for ${who.functions?.join(', ')}, and not for "${name}".`)
    return handler(c, who)
  })
}

/** A path that is there, and a method that it does not take. */
function mountOthers(app: Hono, identify: Identify, path: string, rows: readonly Operation[]): void {
  const methods = rows.flatMap(({ method }) => (method === 'get' ? ['GET', 'HEAD'] : [method.toUpperCase()]))
  app.all(path, async (c) => {
    const who = rows.some(({ scope }) => scope !== null) ? await identify(c) : ANYBODY
    if (who instanceof Response) return who
    const detail = `${c.req.path} takes ${inWords(methods)}, not ${c.req.method}.`
    return respond(problem('method-not-allowed', { detail }), { allow: methods.join(', ') })
  })
}

function inWords(methods: readonly string[]): string {
  return methods.length < 2 ? methods.join('') : `${methods.slice(0, -1).join(', ')} and ${methods.at(-1)}`
}

function summary({ name, version, bundle, routes, runtime, error }: FunctionReport) {
  return { name, version, bundle, routes, runtime, error }
}

const responseHeaders: MiddlewareHandler = async (c, next) => {
  await next()
  c.header('cache-control', 'no-store')
  c.header('x-content-type-options', 'nosniff')
}

/** Empty where the application is asked without a socket. */
function addressOf(c: Context): string {
  const env = c.env as { readonly incoming?: IncomingMessage } | undefined
  return env?.incoming?.socket.remoteAddress ?? ''
}

function tooManyGuesses(): Response {
  const detail = `Several tokens from this address were wrong, and others wait to be looked at. Try again in ${RETRY_AFTER_S} seconds.`
  return respond(problem('too-many-guesses', { detail }), { 'retry-after': String(RETRY_AFTER_S) })
}

function unauthorized(c: Context): Response {
  const detail = c.req.header('authorization')
    ? 'The token in the Authorization header is none that this gateway knows.'
    : 'Send a token: "Authorization: Bearer <token>". The gateway\'s own is `admin.token` of the configuration, or else in admin.json of the state folder; `wrangler-free tokens create` makes others.'
  return respond(problem('unauthorized', { detail }), { 'www-authenticate': 'Bearer' })
}

function forbidden(detail: string): Response {
  return respond(problem('forbidden', { detail }))
}
