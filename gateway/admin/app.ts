/**
 * The admin address as an application without sockets: health, readiness and status, read-only. It decides nothing
 * and keeps nothing; every answer is made from its source at that moment, is never cached, and says in a problem
 * document what was wrong with a request that it does not serve.
 */
import { type Context, Hono, type MiddlewareHandler } from 'hono'
import { PROBLEM_CONTENT_TYPE, type Problem, problem, renderProblem } from '../http/problem.ts'
import { presents } from './guard.ts'
import type { AdminSource, FunctionReport } from './status.ts'

/** Everything but `/healthz` and `/readyz` wants the token as `Authorization: Bearer <token>`. */
export function createAdminApp(source: AdminSource): Hono {
  const app = new Hono()
  app.use(responseHeaders)

  get(app, '/healthz', (c) => c.json({ status: 'ok' }))
  get(app, '/readyz', (c) => (source.isReady() ? c.json({ status: 'ready' }) : c.json({ status: 'not ready' }, 503)))

  app.use(requireToken(source))
  get(app, '/v1/status', (c) => c.json(source.status()))
  get(app, '/v1/functions', (c) => c.json({ functions: source.status().functions.map(summary) }))
  get(app, '/v1/functions/:name', (c) => {
    const name = c.req.param('name')
    const found = source.status().functions.find((fn) => fn.name === name)
    return found ? c.json(found) : notFound(`No function is called "${name}". /v1/functions lists those there are.`)
  })

  app.notFound((c) =>
    notFound(`The admin address has no ${c.req.path}. It has /healthz, /readyz, /v1/status, /v1/functions.`),
  )
  app.onError((error) => {
    console.error(error)
    return respond(problem('internal', { detail: "The status could not be made. The gateway's log says why." }))
  })
  return app
}

/** One path: GET (and with it HEAD) is answered, every other method is told so. */
function get(app: Hono, path: string, handler: (c: Context) => Response): void {
  app.get(path, handler)
  app.all(path, (c) => {
    const detail = `${c.req.path} takes GET and HEAD, not ${c.req.method}.`
    return respond(problem('method-not-allowed', { detail }), { allow: 'GET, HEAD' })
  })
}

function summary({ name, version, bundle, routes, runtime, error }: FunctionReport) {
  return { name, version, bundle, routes, runtime, error }
}

const responseHeaders: MiddlewareHandler = async (c, next) => {
  await next()
  c.header('cache-control', 'no-store')
  c.header('x-content-type-options', 'nosniff')
}

function requireToken(source: AdminSource): MiddlewareHandler {
  return async (c, next) => {
    const authorization = c.req.header('authorization')
    if (presents(source.adminToken, authorization)) return next()
    const detail = authorization
      ? 'The token in the Authorization header is not the one that this gateway wants.'
      : 'Send its token: "Authorization: Bearer <token>". It is `admin.token` of the configuration, or else in admin.json of the state folder.'
    return respond(problem('unauthorized', { detail }), { 'www-authenticate': 'Bearer' })
  }
}

function notFound(detail: string): Response {
  return respond(problem('not-found', { detail }))
}

function respond(what: Problem, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(renderProblem(what), {
    status: what.status,
    headers: { 'content-type': PROBLEM_CONTENT_TYPE, ...headers },
  })
}
