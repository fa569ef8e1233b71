/**
 * Deploying over HTTP: the rows of the table that change something, each with what it does. Whoever asks has been let in by then, and
 * may do it with this function; bodies have passed their schemas.
 */
import type { Context } from 'hono'
import type { ZodType } from 'zod'
import { type Answered, decideCanary, p95Of } from '../deploy/canary-policy.ts'
import type { OnStep } from '../deploy/candidate.ts'
import type { Deployment } from '../deploy/deployer.ts'
import {
  type Activation,
  type CanaryRecord,
  type FunctionRecord,
  namedVersion,
  type VersionRecord,
  versionOf,
} from '../deploy/record.ts'
import { Refusal } from '../deploy/refusal.ts'
import type { CanaryEvidence, DeployService } from '../deploy/service.ts'
import type { Principal, TokenRecord } from '../deploy/token-store.ts'
import { renderProblem } from '../http/problem.ts'
import { bodyOf, bytesOf, frameOf, problemOf, textOf } from './answers.ts'
import {
  activationBody,
  type Body,
  manifestBody,
  mistakesIn,
  setCanaryBody,
  tokenBody,
  versionBody,
} from './api-schemas.ts'
import { openApi } from './openapi.ts'
import type { OperationId } from './operations.ts'
import { readManifest } from './read-manifest.ts'

/** A manifest names thousands of files, each with its path and its hash; everything else is a line. */
const MANIFEST_BYTES_A_FILE = 512
const MAX_BODY_BYTES = 64 * 1024
const DEFAULT_AUDIT_LINES = 100
const MAX_AUDIT_LINES = 1_000

type Handler = (c: Context, who: Principal) => Promise<Response> | Response

/** What the gateway's own rows (app.ts) do not do. */
export function deployHandlers(service: DeployService): Partial<Record<OperationId, Handler>> {
  const { deployer, deployments, tokens, audit } = service
  const report = (deployment: Deployment, steps: readonly object[]) => {
    const record = deployments.recordOf(deployment.function)!
    return { ...deployment, version: versionReport(service, record, deployment.version), steps }
  }
  return {
    openapi: (c) => c.json(openApi()),
    versions: (c) => c.json(versionsReport(service, deployer.recordOf(nameIn(c)))),
    begin: async (c) => {
      const body = await bytesOf(c, MAX_BODY_BYTES + service.limits.maxFiles * MANIFEST_BYTES_A_FILE)
      const isLarge = body.length > MAX_BODY_BYTES
      const manifest = isLarge ? await readManifest(body, service.limits) : written(body.toString(), manifestBody)
      return c.json(await service.begin(nameIn(c), manifest))
    },
    send: async (c) => c.json({ received: await service.receive(nameIn(c), uploadIn(c), bodyOf(c)) }),
    finish: async (c, who) => {
      const activation = activationOf(await jsonOf(c, activationBody))
      return reporting(c, report, (onStep) => service.finish(nameIn(c), uploadIn(c), activation, who, onStep))
    },
    archive: (c, who) => {
      const { as, install } = archiveQuery(c)
      const deploy = (onStep: OnStep) => service.deployTar(nameIn(c), bodyOf(c), install, { kind: as }, who, onStep)
      return reporting(c, report, deploy)
    },
    activate: async (c, { name }) => {
      const { version } = await jsonOf(c, versionBody)
      const choose = (record: FunctionRecord): VersionRecord => chosen(record, version)
      return reporting(c, report, (onStep) => deployer.activate(nameIn(c), choose, name, onStep))
    },
    canary: async (c, { name }) => {
      const { version, ...canary } = await jsonOf(c, setCanaryBody)
      const record = deployer.recordOf(nameIn(c))
      const { number } = chosen(record, version)
      const changed = await deployer.setCanary(nameIn(c), { ...canaryOf(canary), version: number }, name)
      return c.json(versionsReport(service, changed))
    },
    endCanary: async (c, { name }) => c.json(versionsReport(service, await deployer.setCanary(nameIn(c), null, name))),
    remove: async (c, { name }) => {
      await deployer.remove(nameIn(c), name)
      return c.json({ removed: nameIn(c) })
    },
    tokens: (c) => c.json({ tokens: tokens.tokens.map(tokenReport) }),
    createToken: async (c, { name: by }) => {
      const { token, record } = await tokens.create(await jsonOf(c, tokenBody))
      await audit.append({ by, what: 'token-created', function: null, from: null, to: null, why: inWords(record) })
      return c.json({ ...tokenReport(record), token })
    },
    revokeToken: async (c, { name: by }) => {
      const record = await tokens.revoke(c.req.param('token')!)
      await audit.append({ by, what: 'token-revoked', function: null, from: null, to: null, why: record.name })
      return c.json(tokenReport(record))
    },
    audit: async (c) => {
      const limit = Math.min(
        MAX_AUDIT_LINES,
        Number(c.req.query('limit') ?? DEFAULT_AUDIT_LINES) || DEFAULT_AUDIT_LINES,
      )
      return c.json({ events: await audit.read(limit) })
    },
  }
}

/** Tells each step as it is done, where that is asked for; else all of it with the answer. */
async function reporting(
  c: Context,
  report: (deployment: Deployment, steps: readonly object[]) => object,
  deploy: (onStep: OnStep) => Promise<Deployment>,
): Promise<Response> {
  const steps: object[] = []
  if (!c.req.header('accept')?.includes('application/x-ndjson')) {
    const deployment = await deploy((step, tookMs, note) => void steps.push(stepOf(step, tookMs, note)))
    return c.json(report(deployment, steps))
  }
  const lines = new ReadableStream<string>({
    async start(controller) {
      const tell = (what: object): void => {
        // A client that left does not stop what it began.
        if (!c.req.raw.signal.aborted) controller.enqueue(`${JSON.stringify(what)}\n`)
      }
      try {
        const onStep: OnStep = (step, tookMs, note) => {
          steps.push(stepOf(step, tookMs, note))
          tell(stepOf(step, tookMs, note))
        }
        const deployment = await deploy(onStep)
        tell({ deployment: report(deployment, steps) })
      } catch (error) {
        const frame = frameOf(error)
        tell({ problem: JSON.parse(renderProblem(problemOf(error))), ...(frame === null ? {} : { frame }) })
      }
      if (!c.req.raw.signal.aborted) controller.close()
    },
  })
  return new Response(lines.pipeThrough(new TextEncoderStream()), {
    headers: { 'content-type': 'application/x-ndjson' },
  })
}

function stepOf(step: string, tookMs: number, note?: string): object {
  return { step, tookMs: Math.round(tookMs * 10) / 10, ...(note === undefined ? {} : { note }) }
}

/** Throws `Refusal` with every mistake. No body is an empty object. */
async function jsonOf<S extends ZodType>(c: Context, schema: S): Promise<Body<S>> {
  return written(await textOf(c, MAX_BODY_BYTES), schema)
}

function written<S extends ZodType>(text: string, schema: S): Body<S> {
  let value: unknown
  try {
    value = text === '' ? {} : JSON.parse(text)
  } catch {
    throw new Refusal('malformed-request', 'The body is not JSON')
  }
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  throw new Refusal('malformed-request', mistakesIn(parsed.error))
}

function activationOf({ as, canary }: Body<typeof activationBody>): Activation {
  if (as !== 'canary') return { kind: as }
  if (canary === undefined) throw new Refusal('malformed-request', 'A canary needs to know its `canary.percent`')
  return { kind: 'canary', canary: canaryOf(canary) }
}

function canaryOf(body: NonNullable<Body<typeof activationBody>['canary']>): Omit<CanaryRecord, 'version'> {
  const { percent, by, steps, stepMs, ...bounds } = body
  if (by.kind !== 'calls' && by.name === '')
    throw new Refusal('malformed-request', `A canary by ${by.kind} needs the ${by.kind}'s name`)
  if ([percent, ...steps].some((step, at, all) => at > 0 && step <= all[at - 1]!))
    throw new Refusal('malformed-request', 'The steps of a canary have to rise, from its percent on')
  return { percent, by: { ...by, name: by.kind === 'header' ? by.name.toLowerCase() : by.name }, steps, stepMs, bounds }
}

function archiveQuery(c: Context) {
  const as = c.req.query('as') ?? 'live'
  const install = c.req.query('install') ?? 'no'
  if (as !== 'live' && as !== 'preview') throw new Refusal('malformed-request', '?as= may be live or preview')
  if (install !== 'no' && install !== 'packages' && install !== 'with-scripts')
    throw new Refusal('malformed-request', '?install= may be packages or with-scripts')
  return { as, install } as const
}

function chosen(record: FunctionRecord, named: string | undefined): VersionRecord {
  const version = named === undefined ? versionOf(record, record.previous) : namedVersion(record, named)
  if (version !== null) return version
  const there = record.versions.map(({ number }) => number).join(', ')
  if (named === undefined) throw new Refusal('not-found', `"${record.name}" had no other version live before`)
  throw new Refusal(
    'not-found',
    `"${record.name}" has no version ${JSON.stringify(named)} (or more than one): there are ${there}`,
  )
}

function versionsReport(service: DeployService, record: FunctionRecord): object {
  const { name, live, previous, versions } = record
  return {
    function: name,
    live,
    previous,
    ...canaryReport(service.canaryEvidence(record)),
    versions: versions.map((one) => versionReport(service, record, one)),
  }
}

function canaryReport({ running, takenBack }: CanaryEvidence): object {
  if (running === null) return { canary: null, takenBack }
  const { record, seen } = running
  const { live, canary, sinceStepMs } = seen
  const { why: verdict } = decideCanary(record, live, canary, sinceStepMs)
  const evidence = {
    sinceStepMs: Math.round(sinceStepMs),
    live: answeredReport(live),
    canary: answeredReport(canary),
    verdict,
  }
  return { canary: { ...record, evidence }, takenBack }
}

function answeredReport(answered: Answered): object {
  const { calls, failed, latenciesMs } = answered
  return { calls, failed, p95Ms: p95Of(answered), timedCalls: latenciesMs.length }
}

function versionReport({ deployments }: DeployService, record: FunctionRecord, version: VersionRecord): object {
  const { number, id, key, createdAt, by, files, bytes } = version
  const state = record.live === number ? 'live' : record.canary?.version === number ? 'canary' : 'kept'
  return { number, id, key, createdAt, by, files, bytes, state, isWarm: deployments.isWarm(record.name, number) }
}

function tokenReport({ id, name, scope, functions, createdAt }: TokenRecord) {
  return { id, name, scope, functions, createdAt }
}

function inWords({ name, scope, functions }: TokenRecord): string {
  return `${name}: ${scope}${functions === null ? '' : ` for ${functions.join(', ')}`}`
}

function nameIn(c: Context): string {
  return c.req.param('name')!
}

function uploadIn(c: Context): string {
  return c.req.param('upload')!
}
