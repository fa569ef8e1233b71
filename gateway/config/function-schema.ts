/** How a function is run: what its own file may ask for as well, and what only the operator says. */

import * as z from 'zod'
import { DEFAULT_FUNCTION_SETTINGS, ISOLATIONS } from '../../warmpool/index.ts'
import { HOST_PATTERN } from '../egress/allowed-hosts.ts'
import {
  count,
  countOrNever,
  duration,
  durationOrNever,
  flag,
  kinds,
  oneOf,
  optional,
  section,
  size,
  sizeOrNever,
} from './fields.ts'
import { folders, variableName, variables } from './schema-words.ts'
import { secretReference } from './secret-schema.ts'
import { formatDuration, formatSize } from './units.ts'

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
    logLine: optional(
      size(1),
      formatSize(DEFAULT_FUNCTION_SETTINGS.limits.logLineBytes),
      'The longest line of its output. A longer one is cut, with a mark at its end.',
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
      'As of the command `nice`: more is less urgent. The default lets the gateway go first. Below 0 needs root.',
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
    'Workers kept warm when nobody calls. 0 lets the function go cold: it then starts from a blank. Where the pool has no room for the minimums of all functions, they share it, and a warning says so.',
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
    'Age at which a worker is recycled: about, so that siblings differ, and its replacement is warm first. One that nobody has called gets a replacement only where `minWorkers` asks for it.',
  ),
  idleTimeout: optional(
    durationOrNever(),
    formatDuration(DEFAULT_FUNCTION_SETTINGS.idleTimeoutMs),
    'How long a worker above `minWorkers` may idle before it is retired.',
  ),
  timeout: optional(
    durationOrNever(1),
    formatDuration(DEFAULT_FUNCTION_SETTINGS.timeoutMs),
    "The handler's time: from the hand-over to a worker to the head of a streamed response, else to the end of the call. Waiting for the caller's body does not count. Then 504, and the worker is replaced.",
  ),
  streamTimeout: optional(
    durationOrNever(1),
    formatDuration(DEFAULT_FUNCTION_SETTINGS.streamTimeoutMs),
    'How long a body may be on its way: a request body from the hand-over on, a streamed response from its head on. Server-sent events have `streamIdleTimeout` alone.',
  ),
  streamIdleTimeout: optional(
    durationOrNever(1),
    formatDuration(DEFAULT_FUNCTION_SETTINGS.streamIdleTimeoutMs),
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

/** What only the operator says: a function's own file may ask for less, and never for more. */
export const operatorFields = {
  startBy: optional(
    oneOf(['auto', 'boot', 'fork']),
    DEFAULT_FUNCTION_SETTINGS.startBy,
    'How its workers start: each booted, or forked from a process that has booted, which is cheap, with what docs/security.md says of that. `auto`: forked where `maxInvocations` is 500 or less. Node only, and not in a sandbox.',
  ),
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
  listen: optional(
    oneOf(['none', 'loopback', 'all']),
    DEFAULT_FUNCTION_SETTINGS.listen,
    'What becomes of TCP servers that it starts. `none`: no port is opened; what it exports, or serves with `app.listen()`, the gateway calls all the same. `loopback`: they listen on 127.0.0.1. `all`: they listen as they say. Programs of the runtimes `http` and `lambda` have their own port in any case. See docs/security.md.',
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
