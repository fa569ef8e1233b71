/**
 * Everything that the admin address can be asked, one row each: what it is for, who may, what it takes and what it
 * answers. The application mounts the rows (deploy-api.ts, app.ts) and the OpenAPI description lists them.
 */
import type { ZodType } from 'zod'
import type { Scope } from '../deploy/token-store.ts'
import * as schemas from './api-schemas.ts'

export interface Operation {
  readonly id: string
  readonly method: 'get' | 'post' | 'put' | 'delete'
  /** With `:name` for what is in the path. */
  readonly path: string
  /** Null: anybody. */
  readonly scope: Scope | null
  readonly does: string
  /** JSON; else what kind of bytes. */
  readonly body: ZodType | { readonly types: readonly string[]; readonly does: string } | null
  /** What may stand behind the `?`. */
  readonly query?: Readonly<Record<string, string>>
  readonly status: number
  readonly answer: ZodType
}

const FRAMES = {
  types: ['application/octet-stream'],
  does: 'Files one after the other, each behind 40 bytes: its SHA-256, and its length as a big-endian number of 64 bits.',
} as const

const ARCHIVE = {
  types: ['application/x-tar', 'application/gzip'],
  does: 'The folder as a tar archive, packed with gzip or not, of files and folders only.',
} as const

const AS = {
  as: '`live` (unsaid), or `preview` for a version without traffic.',
  install: '`packages`, or `with-scripts`: the gateway installs what the lockfile names.',
} as const

export const OPERATIONS = {
  health: row('get', '/healthz', null, 'Whether the gateway is there.', null, schemas.anything),
  ready: row(
    'get',
    '/readyz',
    null,
    'Whether it is ready: 503 until what is to be warm is warm or `limits.readyTimeout` is over, and while it stops.',
    null,
    schemas.anything,
  ),
  openapi: row('get', '/v1/openapi.json', 'read', 'This description.', null, schemas.anything),
  status: row('get', '/v1/status', 'read', 'What the gateway, its pool and its functions do.', null, schemas.anything),
  functions: row('get', '/v1/functions', 'read', 'The functions in short.', null, schemas.anything),
  function: row('get', '/v1/functions/:name', 'read', 'One function.', null, schemas.anything),
  remove: row(
    'delete',
    '/v1/functions/:name',
    'deploy',
    'Takes a deployed function away, with all its versions.',
    null,
    schemas.anything,
  ),
  versions: row(
    'get',
    '/v1/functions/:name/versions',
    'read',
    'The versions that are kept, and which is live.',
    null,
    schemas.versionsAnswer,
  ),
  begin: row(
    'post',
    '/v1/functions/:name/uploads',
    'deploy',
    'Begins an upload with what the folder consists of, and says which files are missing.',
    schemas.manifestBody,
    schemas.begunAnswer,
  ),
  send: row(
    'post',
    '/v1/functions/:name/uploads/:upload/files',
    'deploy',
    'Takes files. What arrived whole is kept, whatever becomes of the request.',
    FRAMES,
    schemas.receivedAnswer,
  ),
  finish: row(
    'post',
    '/v1/functions/:name/uploads/:upload/finish',
    'deploy',
    'Makes a version of what was uploaded: verifies, builds, starts and checks it beside the live one, and switches. With `accept: application/x-ndjson` each step is a line as it is done, and the last line is `{"deployment":…}` or `{"problem":…}`.',
    schemas.activationBody,
    schemas.deploymentAnswer,
  ),
  archive: {
    ...row(
      'post',
      '/v1/functions/:name/archive',
      'deploy',
      'The same with one request: a whole folder as an archive.',
      ARCHIVE,
      schemas.deploymentAnswer,
    ),
    query: AS,
  },
  activate: row(
    'post',
    '/v1/functions/:name/live',
    'deploy',
    'Makes a version live that is there: the one before, or any that is named.',
    schemas.versionBody,
    schemas.deploymentAnswer,
  ),
  canary: row(
    'put',
    '/v1/functions/:name/canary',
    'deploy',
    'Gives a version some of the traffic, or another share.',
    schemas.setCanaryBody,
    schemas.versionsAnswer,
  ),
  endCanary: row(
    'delete',
    '/v1/functions/:name/canary',
    'deploy',
    'Gives all traffic back to the live version.',
    null,
    schemas.versionsAnswer,
  ),
  tokens: row('get', '/v1/tokens', 'admin', 'The tokens there are.', null, schemas.tokensAnswer),
  createToken: row(
    'post',
    '/v1/tokens',
    'admin',
    'Makes a token, and tells it this once.',
    schemas.tokenBody,
    schemas.newTokenAnswer,
  ),
  revokeToken: row(
    'delete',
    '/v1/tokens/:token',
    'admin',
    'Ends a token, by its id or name.',
    null,
    schemas.tokenAnswer,
  ),
  audit: {
    ...row('get', '/v1/audit', 'admin', 'Who changed what, the newest first.', null, schemas.auditAnswer),
    query: { limit: 'How many, up to 1000; 100 unsaid.' },
  },
} as const satisfies Readonly<Record<string, Operation>>

export type OperationId = keyof typeof OPERATIONS

function row<B extends Operation['body']>(
  method: Operation['method'],
  path: string,
  scope: Scope | null,
  does: string,
  body: B,
  answer: ZodType,
): Operation & { readonly body: B } {
  const id = `${method} ${path}`
  return { id, method, path, scope, does, body, status: 200, answer }
}
