/**
 * What the admin address takes and answers, as schemas: requests are checked with them, and `/v1/openapi.json` is made
 * of them, so that neither can say something else than the other.
 */
import * as z from 'zod'
import { SCOPES } from '../deploy/token-store.ts'

const sha256 = z.string().regex(/^[0-9a-f]{64}$/)
const versionNumber = z.int().min(1)

export const manifestBody = z.strictObject({
  files: z
    .array(
      z.strictObject({
        path: z.string().min(1).max(4096).describe('Relative to the folder, with forward slashes.'),
        bytes: z.int().min(0),
        sha256: sha256.describe('Of the content, in hex.'),
        executable: z.boolean().default(false),
      }),
    )
    .describe('Plain files. There is no way to say a link or a device.'),
  install: z
    .enum(['no', 'packages', 'with-scripts'])
    .default('no')
    .describe('Whether the gateway installs what the lockfile names; scripts of packages run only `with-scripts`.'),
})

export const begunAnswer = z.object({
  upload: z.string().describe('Id of this upload, for what follows.'),
  missing: z.array(sha256).describe('Files that have to be sent. What is there already is not.'),
  version: versionNumber.nullable().describe('The version that has the same content already.'),
})

const canaryBy = z.strictObject({
  kind: z
    .enum(['calls', 'header', 'cookie'])
    .describe('By chance for each call, or by the value of a header or cookie.'),
  name: z
    .string()
    .regex(/^[a-z0-9!#$%&'*+.^_`|~-]{0,100}$/i)
    .default('')
    .describe('Of the header or cookie.'),
})

const canaryBody = z.strictObject({
  percent: z.int().min(1).max(99).describe('Of all calls, or of all values of the header or cookie.'),
  by: canaryBy.default({ kind: 'calls', name: '' }),
  steps: z
    .array(z.int().min(2).max(100))
    .max(20)
    .default([])
    .describe('What `percent` becomes next, rising; 100 makes it live.'),
  stepMs: z.int().min(1_000).max(86_400_000).default(60_000).describe('How long a step lasts at least.'),
  minCalls: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(50)
    .describe('Calls that have to be answered before anything is decided.'),
  errors: z.number().min(0).max(1).default(0.02).describe('By how much its share of failed calls may be higher.'),
  latency: z
    .number()
    .min(1)
    .max(1_000)
    .default(2)
    .describe("How many times the live version's 95th percentile its own may be."),
  latencyFloorMs: z
    .number()
    .min(0)
    .max(3_600_000)
    .default(20)
    .describe('And by how many milliseconds it may be higher whatever the ratio.'),
})

export const activationBody = z.strictObject({
  as: z.enum(['live', 'preview', 'canary']).default('live').describe('All traffic, none, or some of it.'),
  canary: canaryBody.optional().describe('For `canary`.'),
})

export const versionBody = z.strictObject({
  version: z.string().max(64).optional().describe('Number or id; unsaid: the one that was live before.'),
})

export const setCanaryBody = canaryBody.extend({ version: z.string().max(64).describe('Number or id.') })

export const tokenBody = z.strictObject({
  name: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9 ._@-]{0,63}$/)
    .describe('For people and the audit log.'),
  scope: z.enum(SCOPES).describe('Each may what those before it may.'),
  functions: z
    .array(z.string().min(1).max(63))
    .min(1)
    .max(1_000)
    .nullable()
    .default(null)
    .describe('Null: all. A token that may `admin` is for all.'),
})

export const versionAnswer = z.object({
  number: versionNumber,
  id: z.string().describe('Hash of its content.'),
  key: z
    .string()
    .describe('Whoever knows it may call the version: `/NAME@KEY/`, or in the header `wrangler-free-version`.'),
  createdAt: z.string(),
  by: z.string().describe('Name of the token.'),
  files: z.int(),
  bytes: z.int(),
  state: z.enum(['live', 'canary', 'kept']),
  isWarm: z.boolean().describe('Switching to it takes no start.'),
})

const answered = z.object({
  calls: z.int(),
  failed: z.int().describe('With a status of 500 or more.'),
  p95Ms: z.number().nullable().describe('Of `timedCalls`.'),
  timedCalls: z.int().describe("The latest thousand at most, without those of each worker's first second."),
})

const canaryAnswer = z.object({
  version: versionNumber,
  percent: z.int(),
  by: canaryBy,
  steps: z.array(z.int()),
  stepMs: z.int(),
  bounds: z.object({ minCalls: z.int(), errors: z.number(), latency: z.number(), latencyFloorMs: z.number() }),
  evidence: z
    .object({
      sinceStepMs: z.int(),
      live: answered,
      canary: answered,
      verdict: z.string().describe('What follows from it, or what is waited for.'),
    })
    .describe('What it is judged by: what both versions answered since its last step.'),
})

export const versionsAnswer = z.object({
  function: z.string(),
  live: versionNumber.nullable(),
  previous: versionNumber.nullable(),
  canary: canaryAnswer.nullable(),
  takenBack: z
    .object({ version: versionNumber, at: z.string(), why: z.string() })
    .nullable()
    .describe('The latest canary that was taken back by itself since the gateway started.'),
  versions: z.array(versionAnswer),
})

export const deploymentAnswer = z.object({
  function: z.string(),
  version: versionAnswer,
  live: versionNumber.nullable(),
  previous: versionNumber.nullable().describe('What was live before.'),
  isKnown: z.boolean().describe('The same content was there: nothing was built.'),
  isUnchanged: z.boolean().describe('And it was live: nothing was done.'),
  steps: z.array(z.object({ step: z.string(), tookMs: z.number(), note: z.string().optional() })),
})

export const receivedAnswer = z.object({ received: z.int() })
export const tokenAnswer = z.object({
  id: z.string(),
  name: z.string(),
  scope: z.enum(SCOPES),
  functions: z.array(z.string()).nullable(),
  createdAt: z.string(),
})
export const tokensAnswer = z.object({ tokens: z.array(tokenAnswer) })
export const newTokenAnswer = tokenAnswer.extend({ token: z.string().describe('Told this once.') })
export const auditAnswer = z.object({
  events: z.array(
    z.object({
      at: z.string(),
      by: z.string(),
      what: z.string(),
      function: z.string().nullable(),
      from: z.int().nullable(),
      to: z.int().nullable(),
      why: z.string().optional(),
    }),
  ),
})
export const problemAnswer = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z.string(),
  fault: z.enum(['caller', 'function', 'platform']),
})
export const anything = z.record(z.string(), z.unknown())

/** Every mistake in one sentence, with its place. */
export function mistakesIn(error: z.ZodError): string {
  const mistakes = error.issues.slice(0, 5).map(({ path, message }) => `${path.join('.') || 'the body'}: ${message}`)
  const more = error.issues.length > mistakes.length ? `; and ${error.issues.length - mistakes.length} more` : ''
  return `${mistakes.join('; ')}${more}`
}

export function jsonSchemaOf(schema: z.ZodType, io: 'input' | 'output'): object {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io })
  return rest
}

export type Body<S extends z.ZodType> = z.output<S>
