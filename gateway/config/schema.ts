/**
 * The configuration file's one schema: every key, what it may be, its default and what it does. It is strict: a key
 * it does not have is a mistake. `docs/configuration.md` and `user-config.ts` are generated from it by
 * `scripts/config-docs.ts`; the defaults of functions and of the pool come from the pool itself.
 */
import { isIP } from 'node:net'
import * as z from 'zod'
import { DEFAULT_FUNCTION_SETTINGS, DEFAULT_POOL_SETTINGS, ISOLATIONS } from '../../warmpool/index.ts'
import { HOST_PATTERN } from '../egress/allowed-hosts.ts'
import {
  count,
  countOrNever,
  duration,
  durationOrNever,
  field,
  flag,
  kinds,
  oneOf,
  optional,
  port,
  required,
  section,
  size,
  sizeOrNever,
  text,
} from './fields.ts'
import { FORMATS, RUNTIMES } from './function-kinds.ts'
import { formatDuration, formatSize } from './units.ts'

const path = () => text(/^[^\0]+$/, 'path of a folder')

const host = () =>
  z
    .string()
    .refine((value) => isIP(value) !== 0 || /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(value))
    .register(kinds, { type: 'string', allowed: 'IP address or host name, without a port' })

const variables = () =>
  z
    .record(text(/^[^=\0]+$/, 'name of a variable'), text(/^[^\0]*$/, 'text', true))
    .register(kinds, { type: 'Record<string, string>', allowed: 'object of names and texts' })

const folders = () =>
  z.array(text(/^\/[^\0]*$/, 'absolute path')).register(kinds, { type: 'string[]', allowed: 'list of absolute paths' })
/** A variable of a function; what is written where a name belongs may be the value itself, and is not printed. */
const variableName = () => text(/^[A-Za-z_][A-Za-z0-9_]*$/, "name of a variable such as 'DATABASE_URL'", true)

const functionName = () => text(/^[^/\0]+$/, "function's name")

/** 16 random characters are out of reach of guessing over a network. */
const TOKEN = /^[\x21-\x7e]{16,}$/
export const TOKEN_IN_WORDS = 'text of at least 16 characters without spaces'

/** Levels of the gateway's own log, the most talkative first. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const

const listen = section(
  {
    host: field(host(), '127.0.0.1', 'Address on which functions are served. `0.0.0.0` or `::` for every interface.'),
    port: field(port(), 8787, 'Port on which functions are served. 0 takes any free one.'),
    trustProxy: field(
      flag(),
      false,
      'Believe `x-forwarded-for`, `-proto` and `-host`. Only behind a proxy of yours that sets them: else callers choose.',
    ),
    serverTiming: field(
      flag(),
      false,
      'Tell callers in a `Server-Timing` header what their call waited for: queue, kind of start, load, run.',
    ),
  },
  'ListenConfig',
)

const admin = section(
  {
    host: field(host(), '127.0.0.1', 'Address of the admin API. Beyond loopback it needs a `token`.'),
    port: field(port(), 8788, 'Port of the admin API. 0 takes any free one.'),
    token: optional(
      text(TOKEN, TOKEN_IN_WORDS, true),
      null,
      'What callers of the admin API have to send as `authorization: Bearer <token>`. Unwritten: one for each run, in `admin.json` of the state folder. Required beyond loopback.',
    ),
  },
  'AdminConfig',
)

const limits = section(
  {
    body: field(
      size(0),
      '100MiB',
      'Largest request body; 413 beyond it. Bodies are streamed, so a high limit costs no memory.',
    ),
    headers: field(size(1024), '16KiB', 'Largest request head; 431 beyond it.'),
    headersTimeout: field(duration(1), '10s', 'How long a caller may take to send the request head.'),
    bodyTimeout: field(
      duration(1),
      '30s',
      'How long a caller may pause while it sends a request body, and may fall behind `bodyRate`. Then 408.',
    ),
    bodyRate: field(
      size(0),
      '500B',
      'Bytes a second that a request body has to bring: each so many give back a second of `bodyTimeout`. 0: any byte gives back all of it.',
    ),
    writeTimeout: field(
      duration(1),
      '60s',
      'How long a caller may take nothing of a response that is being sent. Then its connection is cut.',
    ),
    keepAliveTimeout: field(
      duration(1),
      '65s',
      'How long a connection without a request stays open. Longer than the same setting of the proxy in front.',
    ),
    shutdownTimeout: field(
      duration(),
      '30s',
      'How long a stopping gateway waits for the requests it has accepted before it ends them.',
    ),
    connections: optional(
      count(1),
      null,
      'Most connections at once. One more takes the place of one on which no request comes, or is answered 503. Unwritten: as many as leave workers the descriptors they need, of those that `ulimit -n` allows.',
    ),
  },
  'LimitsConfig',
)

const deploy = section(
  {
    keep: field(
      count(1),
      10,
      'Versions of a function that are kept, the live one and those that a canary needs included.',
    ),
    keepWarm: field(
      duration(),
      '5m',
      'How long the version that was live before stays warm after a switch, so that going back takes no start.',
    ),
    maxFiles: field(count(1), 20_000, 'Most files of an uploaded folder, `node_modules` included.'),
    maxSize: field(size(1), '256MiB', 'Most bytes of an uploaded folder, unpacked.'),
    preview: field(
      oneOf(['key', 'open']),
      'key',
      'Who may call a version that is not live: whoever knows its key, or anybody who knows its number (`open`).',
    ),
  },
  'DeployConfig',
)

const pool = section(
  {
    maxWorkers: optional(count(1), DEFAULT_POOL_SETTINGS.maxWorkers, 'Most processes at once, blanks included.'),
    memory: optional(
      size(1),
      formatSize(DEFAULT_POOL_SETTINGS.memoryBytes),
      'Resident memory of all workers together, over which the least valuable idle ones are evicted.',
    ),
    blanks: optional(
      count(0),
      DEFAULT_POOL_SETTINGS.blanks,
      'Booted processes without a function, ready for the next cold one: so many of each runtime that is used.',
    ),
    cgroups: optional(
      oneOf(['auto', 'never']),
      DEFAULT_POOL_SETTINGS.cgroups,
      'Whether the kernel counts, limits and ends what workers start, where it lets the gateway make cgroups; else the gateway looks for it. A change is for workers started from then on.',
    ),
  },
  'PoolConfig',
)

const queue = section(
  {
    max: optional(
      count(0),
      DEFAULT_FUNCTION_SETTINGS.queue.max,
      'Invocations that may wait for a worker. One more is answered 503 at once.',
    ),
    timeout: optional(
      duration(),
      formatDuration(DEFAULT_FUNCTION_SETTINGS.queue.timeoutMs),
      'How long an invocation may wait for a worker before it is answered 503. Up to 3 s longer where its first worker has to be loaded by then.',
    ),
  },
  'QueueConfig',
)

const functionLimits = section(
  {
    memory: optional(
      sizeOrNever(1),
      formatSize(DEFAULT_FUNCTION_SETTINGS.limits.memoryBytes),
      'Memory of all its processes, buffers included. Unwritten, it is twice `memory` where that is more. 502 beyond it.',
    ),
    cpuTime: optional(
      durationOrNever(1),
      formatDuration(DEFAULT_FUNCTION_SETTINGS.limits.cpuTimeMs),
      "Processor time since the worker's last answer: where `concurrency` is 1, that of one call. Looked at once a second. 504 beyond it.",
    ),
    processes: optional(
      countOrNever(),
      DEFAULT_FUNCTION_SETTINGS.limits.processes,
      'Processes and threads together; a Node worker alone has about a dozen. 502 beyond it.',
    ),
    openFiles: optional(
      countOrNever(),
      DEFAULT_FUNCTION_SETTINGS.limits.openFiles,
      'Files, sockets and pipes that one of its processes may have open: the next one fails with EMFILE.',
    ),
    disk: optional(
      sizeOrNever(1),
      formatSize(DEFAULT_FUNCTION_SETTINGS.limits.diskBytes),
      'The longest file that it may write, and what its temporary folder may hold where it has one of its own.',
    ),
    log: optional(
      size(1),
      formatSize(DEFAULT_FUNCTION_SETTINGS.limits.logBytes),
      'Output of a worker in a second. What is more is dropped, and a line says how much.',
    ),
    response: optional(
      sizeOrNever(1),
      'never',
      'Body of a response. 502 beyond it, or, where it has begun, a connection that is cut.',
    ),
  },
  'FunctionLimits',
)

const cpu = section(
  {
    weight: optional(
      count(1).max(10_000).register(kinds, { type: 'number', allowed: 'whole number from 1 to 10000' }),
      DEFAULT_FUNCTION_SETTINGS.cpu.weight,
      "The function's share of a busy machine, however many workers it has, against 100 of the others. Needs cgroups.",
    ),
    nice: optional(
      z.int().min(-20).max(19).register(kinds, { type: 'number', allowed: 'whole number from -20 to 19' }),
      DEFAULT_FUNCTION_SETTINGS.cpu.nice,
      'As of the command `nice`: more is less urgent. Below 0 needs root.',
    ),
    cores: optional(
      z
        .array(count(0).max(1023))
        .register(kinds, { type: 'number[]', allowed: 'list of whole numbers from 0 to 1023' }),
      [...DEFAULT_FUNCTION_SETTINGS.cpu.cores],
      'Numbers of the processors that it may run on. Empty: all.',
    ),
  },
  'CpuConfig',
)

export const functionFields = {
  minWorkers: optional(
    count(0),
    DEFAULT_FUNCTION_SETTINGS.minWorkers,
    'Workers kept warm when nobody calls. 0 lets the function go cold: it then starts from a blank.',
  ),
  maxWorkers: optional(
    count(1),
    DEFAULT_FUNCTION_SETTINGS.maxWorkers,
    'Most workers at once, replacements being warmed excepted. Unwritten, it is never more than `pool.maxWorkers`.',
  ),
  concurrency: optional(
    count(1),
    DEFAULT_FUNCTION_SETTINGS.concurrency,
    'Invocations that one worker may run at the same time. 1 keeps any two calls apart.',
  ),
  maxInvocations: optional(
    countOrNever(),
    DEFAULT_FUNCTION_SETTINGS.maxInvocations,
    'Invocations after which a worker is recycled: about, so that siblings differ, and its replacement is warm first.',
  ),
  maxAge: optional(
    durationOrNever(1),
    formatDuration(DEFAULT_FUNCTION_SETTINGS.maxAgeMs),
    'Age at which a worker is recycled: about, so that siblings differ, and its replacement is warm first.',
  ),
  idleTimeout: optional(
    durationOrNever(),
    formatDuration(DEFAULT_FUNCTION_SETTINGS.idleTimeoutMs),
    'How long a worker above `minWorkers` may idle before it is retired.',
  ),
  timeout: optional(
    durationOrNever(1),
    formatDuration(DEFAULT_FUNCTION_SETTINGS.timeoutMs),
    'From the hand-over to a worker to the end of the response. Then 504, and the worker is replaced.',
  ),
  streamTimeout: optional(
    durationOrNever(1),
    formatDuration(DEFAULT_FUNCTION_SETTINGS.streamTimeoutMs),
    'How long a response that has begun may send nothing. Then it is cut off, and the worker is replaced.',
  ),
  bootTimeout: optional(
    duration(1),
    formatDuration(DEFAULT_FUNCTION_SETTINGS.bootTimeoutMs),
    'How long a process may take to boot, and then again to load the function.',
  ),
  memory: optional(
    size(1),
    formatSize(DEFAULT_FUNCTION_SETTINGS.memoryBytes),
    "A worker's resident memory, over which it is recycled after its current calls.",
  ),
  queue: optional(queue, null, 'Invocations that wait for a worker.'),
  env: optional(
    variables(),
    { ...DEFAULT_FUNCTION_SETTINGS.env },
    'Variables for the function and nobody else: `env` and `process.env` of its workers.',
  ),
  idempotent: optional(
    flag(),
    DEFAULT_FUNCTION_SETTINGS.idempotent,
    'True: a call that a dying worker had begun may be run again. False: it is answered 502.',
  ),
  limits: optional(functionLimits, null, 'What a worker and all that it has started may use. What uses more is ended.'),
} as const

const place = {
  env: optional(variableName(), null, "Name of a variable in the gateway's own environment."),
  file: optional(
    text(/^[^\0]+$/, 'path of a file', true),
    null,
    'File that holds it, for its owner only (`chmod 600`); one newline at its end is cut. Read again when it changes.',
  ),
} as const

const oneOfSecret = (what: object): boolean => Object.keys(what).filter((key) => key !== 'functions').length === 1

/** Where one secret of the table is, and which functions may ask for it. */
const secret = z
  .strictObject({
    ...place,
    functions: optional(
      z.array(functionName()).register(kinds, { type: 'string[]', allowed: "list of functions' names, or ['*']" }),
      [],
      "Functions that receive it when their `function.json` names it; `'*'` for every one.",
    ),
  })
  .refine(oneOfSecret)
  .register(kinds, { type: 'SecretConfig', allowed: 'object with env or file, and functions', secret: true })

const secretReference = z
  .strictObject({ ...place, from: optional(variableName(), null, 'Name of an entry of `secrets`.') })
  .refine(oneOfSecret)
  .register(kinds, { type: 'SecretReference', allowed: 'object with one of env, file, from', secret: true })

/** What only the operator says: a function's own file may ask for less, and never for more. */
export const operatorFields = {
  cpu: optional(cpu, null, "A worker's claim to the processors."),
  isolation: optional(
    oneOf(ISOLATIONS),
    DEFAULT_FUNCTION_SETTINGS.isolation,
    'What keeps a function from everything else: a `sandbox`, what its `process` takes from itself, or nothing where it is `trusted`. See docs/security.md.',
  ),
  network: optional(
    z.union([z.enum(['all', 'none']), z.array(z.string().regex(HOST_PATTERN)).min(1)]).register(kinds, {
      type: "'all' | 'none' | string[]",
      allowed: "'all', 'none', or a list of hosts such as ['api.example.com', '*.example.com', '10.0.0.5:8080']",
    }),
    DEFAULT_FUNCTION_SETTINGS.network,
    'What it reaches of the network; hosts by way of a proxy, with what that holds: see docs/security.md. Not for what is `trusted`.',
  ),
  readable: optional(
    folders(),
    [...DEFAULT_FUNCTION_SETTINGS.readable],
    'Folders and files that it may read, besides its own and the system.',
  ),
  writable: optional(
    folders(),
    [...DEFAULT_FUNCTION_SETTINGS.writable],
    'Folders and files that it may write to, besides its temporary folder. They have to be there.',
  ),
  isolationMissing: optional(
    oneOf(['refuse', 'warn']),
    null,
    'When this machine lacks a part of it: `refuse` answers 503, `warn` runs without it and says so. Unwritten: `refuse` where `isolation` or `network` is written, else `warn`.',
  ),
  secrets: optional(
    z.record(variableName(), secretReference).register(kinds, {
      type: 'Record<string, SecretReference>',
      allowed: "object with variables' names and where each one's value is",
    }),
    null,
    'Variables like those of `env` whose values are never written here: where each is found.',
  ),
} as const

const functionSettings = section({ ...functionFields, ...operatorFields }, 'FunctionConfig')

const program = () =>
  z
    .array(text(/^[^\0]+$/, 'text'))
    .min(1)
    .register(kinds, { type: 'string[]', allowed: 'list of a program and its arguments' })

const RUNTIME_NAME = /^[a-z][a-z0-9._-]*(?:@[a-z0-9._-]+)?$/
const RUNTIMES_IN_WORDS = RUNTIMES.map((name) => `'${name}'`).join(', ')

/** Which names there are depends on the configuration's own `runtimes`: the rules between settings look that up. */
const runtimeName = () => text(RUNTIME_NAME, `${RUNTIMES_IN_WORDS}, or one that \`runtimes\` in the configuration adds`)

const overrideSettings = section(
  {
    runtime: optional(runtimeName(), null, 'What runs it, whatever its `function.json` says.'),
    ...functionFields,
    ...operatorFields,
  },
  'OverrideConfig',
)

const ownRuntime = section(
  {
    command: required(
      program(),
      "What starts one worker, and its arguments. A part that begins with `./` or `../` is taken from the file's folder.",
    ),
  },
  'RuntimeConfig',
)

const routePath = () =>
  text(
    /^(?=\/)(?:\/(?:[^/?#\s:*]+|:[A-Za-z_]\w*))*(?:\/\*?)?$/,
    "path such as '/exact', '/users/:id' or '/api/*', with * only at its end",
  )

const route = section(
  {
    path: required(routePath(), "Paths it answers: `'/exact'`, `'/users/:id'`, `'/api/*'`."),
    host: optional(
      text(/^(\*\.)?[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i, "host name such as 'example.com' or '*.example.com'"),
      null,
      "Only for this `Host`; `'*.example.com'` for every name below. Unwritten: for all.",
    ),
    function: required(functionName(), 'Name of the function that answers.'),
    stripPrefix: field(
      flag(),
      false,
      'True: the function sees the path without what stands before `/*`. Only for a path that ends so.',
    ),
  },
  'RouteConfig',
)

const log = section(
  {
    level: field(oneOf(LOG_LEVELS), 'info', 'Least severity that is logged.'),
    format: field(oneOf(['pretty', 'json', 'auto']), 'auto', 'How: `auto` is pretty on a terminal, else JSON lines.'),
  },
  'LogConfig',
)

/** The whole file. Its input is `UserConfig`; its output is in code's units, with functions' settings still partial. */
export const configSchema = section(
  {
    functions: field(path(), 'functions', 'Folder of the functions: each folder or file in it is one.'),
    state: field(path(), '.wrangler-free', 'Folder for what the gateway keeps between runs, such as built bundles.'),
    listen: field(listen, {}, 'Where callers reach the functions.'),
    admin: field(admin, {}, 'Where the admin API is: health, status and deploying.'),
    limits: field(limits, {}, 'What a caller may send, and how long it may take.'),
    deploy: field(deploy, {}, 'Functions that are deployed to the running gateway: see docs/deploying.md.'),
    pool: field(pool, {}, "The whole machine's budget of worker processes."),
    secrets: field(
      z.record(variableName(), secret).register(kinds, {
        type: 'Record<string, SecretConfig>',
        allowed: "object with secrets' names and where each is",
      }),
      {},
      'By name: values that are written elsewhere, for the functions that are allowed to ask for them.',
    ),
    defaults: field(functionSettings, {}, 'How every function is run.'),
    overrides: field(
      z.record(functionName(), overrideSettings).register(kinds, {
        type: 'Record<string, OverrideConfig>',
        allowed: "object with functions' names and their settings",
      }),
      {},
      "By function's name: what differs from `defaults`. `queue`, `limits`, `cpu`, `env` and `secrets` are merged key by key.",
    ),
    routes: field(
      z.array(route).register(kinds, { type: 'RouteConfig[]', allowed: 'list of routes' }),
      [],
      'Which function answers which paths, besides `/<name>` and `/<name>/*` that each has.',
    ),
    runtimes: field(
      z.record(text(RUNTIME_NAME, "name such as 'ruby' or 'ruby@3'"), ownRuntime).register(kinds, {
        type: 'Record<string, RuntimeConfig>',
        allowed: 'object of names and what starts each',
      }),
      {},
      'Runtimes of your own, by the name under which a `function.json` asks for one: see docs/runtimes.md.',
    ),
    log: field(log, {}, "The gateway's own log."),
  },
  'UserConfig',
)

const health = section(
  {
    path: field(text(/^\/[^\s\0]*$/, "path such as '/health'"), '/', 'Where it is asked, with GET.'),
    status: field(
      z.int().min(200).max(599).register(kinds, { type: 'number', allowed: 'whole number from 200 to 599' }),
      200,
      'What it has to answer.',
    ),
  },
  'HealthCheck',
)

/** A function's own file, `function.json`: what it is, and what it asks for, where these are the runtimes. */
function functionFile(runtimes: readonly string[]) {
  return section(functionFileFields(runtimes), 'FunctionFile')
}

function functionFileFields(runtimes: readonly string[]) {
  return {
    $schema: optional(text(/^/, 'text'), null, 'Address of the JSON Schema, for editors.'),
    format: optional(
      oneOf(FORMATS),
      null,
      'What the code is written for. Unwritten: inferred where it is unambiguous.',
    ),
    runtime: optional(oneRuntimeOf(runtimes), null, 'What runs it. Unwritten: inferred from the files.'),
    handler: optional(
      text(/^[^\0\s]+$/, "export such as 'handler', or module and export such as 'src/app.handler'"),
      null,
      'The module and the export that is called.',
    ),
    command: optional(
      program(),
      null,
      'The program that serves the calls, and its arguments, for the runtimes `http`, `stdio` and `lambda`.',
    ),
    routes: optional(
      z.array(routePath()).register(kinds, { type: 'string[]', allowed: 'list of paths' }),
      null,
      'Paths that it answers besides `/<name>` and `/<name>/*`. It sees them whole.',
    ),
    health: optional(health, null, 'The call that a new version has to answer well before it gets traffic.'),
    ...functionFields,
    secrets: optional(
      z.array(variableName()).register(kinds, { type: 'string[]', allowed: "list of secrets' names" }),
      null,
      'Secrets that it needs. The configuration has to give them to it: see its `secrets`.',
    ),
    isolation: optional(
      oneOf(['sandbox', 'process']),
      null,
      'The least that keeps it from everything else. What the operator says may be stricter, and then is that.',
    ),
    network: optional(oneOf(['none']), null, 'That it reaches nothing of the network.'),
  }
}

function oneRuntimeOf(runtimes: readonly string[]) {
  const names = runtimes.map((name) => `'${name}'`)
  const allowed = `${names.join(', ')}; others are added by \`runtimes\` in the configuration`
  return z.enum(runtimes).register(kinds, { type: `${names.join(' | ')} | string`, allowed })
}

/** Without runtimes of the operator's own. */
export const functionFileSchema = functionFile(RUNTIMES)

const withOwn = new WeakMap<readonly string[], typeof functionFileSchema>()

/** @param own names of the operator's runtimes; the schema is kept as long as this very list. */
export function functionFileSchemaWith(own: readonly string[]): typeof functionFileSchema {
  if (own.length === 0) return functionFileSchema
  let schema = withOwn.get(own)
  if (schema === undefined) {
    schema = functionFile([...RUNTIMES, ...own])
    withOwn.set(own, schema)
  }
  return schema
}

/** A `function.json` that passed the schema. */
export type ParsedFunctionFile = z.output<typeof functionFileSchema>

/** A file that passed the schema. */
export type ParsedConfig = z.output<typeof configSchema>

/** What was written about how a function is run; what was not is missing. Secrets have ways of their own. */
export type WrittenSettings = Omit<ParsedConfig['defaults'], 'secrets'>

/** What a function's own file asks for. */
export type AskedSettings = WrittenSettings & Pick<ParsedFunctionFile, 'secrets'>
