/**
 * The configuration as it is written, for editors. Generated from schema.ts by scripts/config-docs.ts: do not edit.
 */
import type { Duration, Size } from './units.ts'

export type { Duration, Size }

/** What `wrangler-free.config.*` may hold. Every key may be left out. */
export interface UserConfig {
  /** Folder of the functions: each folder or file in it is one. Default: `'functions'`. */
  functions?: string
  /** Folder for what the gateway keeps between runs, such as built bundles. Default: `'.wrangler-free'`. */
  state?: string
  /** Where callers reach the functions. */
  listen?: ListenConfig
  /** Where the admin API is: health, status and deploying. */
  admin?: AdminConfig
  /** What a caller may send, and how long it may take. */
  limits?: LimitsConfig
  /** Functions that are deployed to the running gateway: see docs/deploying.md. */
  deploy?: DeployConfig
  /** The whole machine's budget of worker processes. */
  pool?: PoolConfig
  /** By name: values that are written elsewhere, for the functions that are allowed to ask for them. */
  secrets?: Record<string, SecretConfig>
  /** How every function is run. */
  defaults?: FunctionConfig
  /** By function's name: what differs from `defaults`. `queue`, `limits`, `cpu`, `env` and `secrets` are merged key by key. */
  overrides?: Record<string, OverrideConfig>
  /** Which function answers which paths, besides `/<name>` and `/<name>/*` that each has. Default: `[]`. */
  routes?: RouteConfig[]
  /** Runtimes of your own, by the name under which a `function.json` asks for one: see docs/runtimes.md. */
  runtimes?: Record<string, RuntimeConfig>
  /** The gateway's own log. */
  log?: LogConfig
}

/** Where callers reach the functions. */
export interface ListenConfig {
  /** Address on which functions are served. `0.0.0.0` or `::` for every interface. Default: `'127.0.0.1'`. */
  host?: string
  /** Port on which functions are served. 0 takes any free one. Default: `8787`. */
  port?: number
  /** Believe `x-forwarded-for`, `-proto` and `-host` (which then is the `Host` for routes and functions), and pass on `forwarded` and `x-real-ip`. Only behind a proxy of yours that sets them: else callers choose. False: functions never see what callers say in them. Default: `false`. */
  trustProxy?: boolean
  /** Tell callers in a `Server-Timing` header what their call waited for: queue, kind of start, load, run. Default: `false`. */
  serverTiming?: boolean
}

/** Where the admin API is: health, status and deploying. */
export interface AdminConfig {
  /** Address of the admin API. Beyond loopback it needs a `token`. Default: `'127.0.0.1'`. */
  host?: string
  /** Port of the admin API. 0 takes any free one. Default: `8788`. */
  port?: number
  /** What callers of the admin API have to send as `authorization: Bearer <token>`. Unwritten: one for each run, in `admin.json` of the state folder. Required beyond loopback. */
  token?: string
}

/** What a caller may send, and how long it may take. */
export interface LimitsConfig {
  /** Largest request body; 413 beyond it. Bodies are streamed, so a high limit costs no memory. Default: `'100MiB'`. */
  body?: Size
  /** Largest request head; 431 beyond it. Default: `'16KiB'`. */
  headers?: Size
  /** How long a caller may take to send the request head. Default: `'10s'`. */
  headersTimeout?: Duration
  /** How long a caller may pause while it sends a request body, and may fall behind `bodyRate`. Then 408. Default: `'30s'`. */
  bodyTimeout?: Duration
  /** Bytes a second that a request body has to bring, and that a caller has to take of a response: each so many give back a second of `bodyTimeout`, or of `writeTimeout`. 0: any byte gives back all of it. Default: `'500B'`. */
  bodyRate?: Size
  /** How long a caller may take nothing of a response that is being sent, and may fall behind `bodyRate`. Then its connection is cut. Default: `'60s'`. */
  writeTimeout?: Duration
  /** How long a caller that has closed its sending side is served while nothing is sent to it. It may wait for its answer, or have left: then its call is cancelled. Default: `'5s'`. */
  halfCloseTimeout?: Duration
  /** How long a connection without a request stays open. Longer than the same setting of the proxy in front. Default: `'65s'`. */
  keepAliveTimeout?: Duration
  /** How long a stopping gateway waits for the requests it has accepted. Then it answers the others 503 `shutdown`, ends event streams, cuts off responses that have begun, and is gone a second later. Default: `'30s'`. */
  shutdownTimeout?: Duration
  /** How long `/readyz` answers 503 at most after a start while the workers start that `minWorkers` asks for. Functions are served meanwhile: calls wait for a worker. Default: `'30s'`. */
  readyTimeout?: Duration
  /** Most connections at once. One more takes the place of one on which no request comes, or is answered 503. Unwritten: as many as leave workers the descriptors they need, of those that `ulimit -n` allows. */
  connections?: number
}

/** Functions that are deployed to the running gateway: see docs/deploying.md. */
export interface DeployConfig {
  /** Versions of a function that are kept, the live one and those that a canary needs included. Default: `10`. */
  keep?: number
  /** How long the version that was live before stays warm after a switch, so that going back takes no start. Default: `'5m'`. */
  keepWarm?: Duration
  /** Most files of an uploaded folder, `node_modules` included. Default: `20000`. */
  maxFiles?: number
  /** Most bytes of an uploaded folder, unpacked. Default: `'256MiB'`. */
  maxSize?: Size
  /** Most resident memory of the process that builds an upload, the bundler included. Two build at the same time. Default: `'1GiB'`. */
  buildMemory?: Size
  /** How long building an upload may take, without installing its packages. Default: `'60s'`. */
  buildTimeout?: Duration
  /** Who may call a version that is not live: whoever knows its key, or anybody who knows its number (`open`). Default: `'key'`. */
  preview?: 'key' | 'open'
}

/** The whole machine's budget of worker processes. */
export interface PoolConfig {
  /** Most processes at once, blanks included. Default: `64`. */
  maxWorkers?: number
  /** Resident memory of all workers together, over which the least valuable idle ones are evicted. Default: `'4GiB'`. */
  memory?: Size
  /** Booted processes without a function, ready for the next cold one: so many of each runtime that is used. Default: `2`. */
  blanks?: number
  /** Whether the kernel counts, limits and ends what workers start, where it lets the gateway make cgroups; else the gateway looks for it. A change is for workers started from then on. Default: `'auto'`. */
  cgroups?: 'auto' | 'never'
}

/** By name: values that are written elsewhere, for the functions that are allowed to ask for them. */
export interface SecretConfig {
  /** Name of a variable in the gateway's own environment. */
  env?: string
  /** File that holds it, for its owner only (`chmod 600`); one newline at its end is cut. Read again when it changes. */
  file?: string
  /** Functions that receive it when their `function.json` names it; `'*'` for every one. Default: `[]`. */
  functions?: string[]
}

/** How every function is run. */
export interface FunctionConfig {
  /** Workers kept warm when nobody calls. 0 lets the function go cold: it then starts from a blank. Where the pool has no room for the minimums of all functions, they share it, and a warning says so. Default: `0`. */
  minWorkers?: number
  /** Most workers at once, replacements being warmed excepted. Unwritten, it is never more than `pool.maxWorkers`. Default: `8`. */
  maxWorkers?: number
  /** Invocations that one worker may run at the same time. 1 keeps any two calls apart. Default: `16`. */
  concurrency?: number
  /** Invocations after which a worker is recycled: about, so that siblings differ, and its replacement is warm first. Default: `10000`. */
  maxInvocations?: number | 'never'
  /** Age at which a worker is recycled: about, so that siblings differ, and its replacement is warm first. One that nobody has called gets a replacement only where `minWorkers` asks for it. Default: `'1h'`. */
  maxAge?: Duration | 'never'
  /** How long a worker above `minWorkers` may idle before it is retired. Default: `'5m'`. */
  idleTimeout?: Duration | 'never'
  /** The handler's time: from the hand-over to a worker to the head of a streamed response, else to the end of the call. Waiting for the caller's body does not count. Then 504, and the worker is replaced. Default: `'30s'`. */
  timeout?: Duration | 'never'
  /** How long a body may be on its way: a request body from the hand-over on, a streamed response from its head on. Server-sent events have `streamIdleTimeout` alone. Default: `'1h'`. */
  streamTimeout?: Duration | 'never'
  /** How long a response that has begun may send nothing. Then it is cut off, and the worker is replaced. Default: `'5m'`. */
  streamIdleTimeout?: Duration | 'never'
  /** How long a process may take to boot, and then again to load the function. Default: `'10s'`. */
  bootTimeout?: Duration
  /** A worker's resident memory, over which it is recycled after its current calls. Default: `'512MiB'`. */
  memory?: Size
  /** Invocations that wait for a worker. */
  queue?: QueueConfig
  /** Variables for the function and nobody else: `env` and `process.env` of its workers. */
  env?: Record<string, string>
  /** True: a call that a dying worker had begun may be run again. False: it is answered 502. Default: `false`. */
  idempotent?: boolean
  /** What a worker and all that it has started may use. What uses more is ended. */
  limits?: FunctionLimits
  /** How its workers start: each booted, or forked from a process that has booted, which is cheap, with what docs/security.md says of that. `auto`: forked where `maxInvocations` is 500 or less. Node only, and not in a sandbox. Default: `'auto'`. */
  startBy?: 'auto' | 'boot' | 'fork'
  /** A worker's claim to the processors. */
  cpu?: CpuConfig
  /** What keeps a function from everything else: a `sandbox`, what its `process` takes from itself, or nothing where it is `trusted`. See docs/security.md. Default: `'process'`. */
  isolation?: 'sandbox' | 'process' | 'trusted'
  /** What it reaches of the network; hosts by way of a proxy, with what that holds: see docs/security.md. Not for what is `trusted`. Default: `'all'`. */
  network?: 'all' | 'none' | string[]
  /** What becomes of TCP servers that it starts. `none`: no port is opened; what it exports, or serves with `app.listen()`, the gateway calls all the same. `loopback`: they listen on 127.0.0.1. `all`: they listen as they say. Programs of the runtimes `http` and `lambda` have their own port in any case. See docs/security.md. Default: `'none'`. */
  listen?: 'none' | 'loopback' | 'all'
  /** Folders and files that it may read, besides its own and the system. Default: `[]`. */
  readable?: string[]
  /** Folders and files that it may write to, besides its temporary folder. They have to be there. Default: `[]`. */
  writable?: string[]
  /** When this machine lacks a part of it: `refuse` answers 503, `warn` runs without it and says so. Unwritten: `refuse` where `isolation` or `network` is written, else `warn`. */
  isolationMissing?: 'refuse' | 'warn'
  /** Variables like those of `env` whose values are never written here: where each is found. */
  secrets?: Record<string, SecretReference>
}

/** Invocations that wait for a worker. */
export interface QueueConfig {
  /** Invocations that may wait for a worker. One more is answered 503 at once. Default: `1000`. */
  max?: number
  /** How long an invocation may wait for a worker before it is answered 503. Up to 3 s longer where its first worker has to be loaded by then. Default: `'10s'`. */
  timeout?: Duration
}

/** What a worker and all that it has started may use. What uses more is ended. */
export interface FunctionLimits {
  /** Memory of all its processes, buffers included. Unwritten, it is twice `memory` where that is more. 502 beyond it. Default: `'1GiB'`. */
  memory?: Size | 'never'
  /** Processor time since the worker's last answer: where `concurrency` is 1, that of one call. Looked at once a second. 504 beyond it. Default: `'never'`. */
  cpuTime?: Duration | 'never'
  /** Processes and threads together; a Node worker alone has about a dozen. 502 beyond it. Default: `512`. */
  processes?: number | 'never'
  /** Files, sockets and pipes that one of its processes may have open: the next one fails with EMFILE. Default: `4096`. */
  openFiles?: number | 'never'
  /** The longest file that it may write, and what its temporary folder may hold where it has one of its own. Default: `'1GiB'`. */
  disk?: Size | 'never'
  /** Output of a worker in a second. What is more is dropped, and a line says how much. Default: `'256KiB'`. */
  log?: Size
  /** The longest line of its output. A longer one is cut, with a mark at its end. Default: `'64KiB'`. */
  logLine?: Size
  /** Body of a response. 502 beyond it, or, where it has begun, a connection that is cut. Default: `'never'`. */
  response?: Size | 'never'
}

/** A worker's claim to the processors. */
export interface CpuConfig {
  /** The function's share of a busy machine, however many workers it has, against 100 of the others. Needs cgroups. Default: `100`. */
  weight?: number
  /** As of the command `nice`: more is less urgent. The default lets the gateway go first. Below 0 needs root. Default: `1`. */
  nice?: number
  /** Numbers of the processors that it may run on. Empty: all. Default: `[]`. */
  cores?: number[]
}

/** Variables like those of `env` whose values are never written here: where each is found. */
export interface SecretReference {
  /** Name of a variable in the gateway's own environment. */
  env?: string
  /** File that holds it, for its owner only (`chmod 600`); one newline at its end is cut. Read again when it changes. */
  file?: string
  /** Name of an entry of `secrets`. */
  from?: string
}

/** By function's name: what differs from `defaults`. `queue`, `limits`, `cpu`, `env` and `secrets` are merged key by key. */
export interface OverrideConfig {
  /** What runs it, whatever its `function.json` says. */
  runtime?: string
  /** Workers kept warm when nobody calls. 0 lets the function go cold: it then starts from a blank. Where the pool has no room for the minimums of all functions, they share it, and a warning says so. Default: `0`. */
  minWorkers?: number
  /** Most workers at once, replacements being warmed excepted. Unwritten, it is never more than `pool.maxWorkers`. Default: `8`. */
  maxWorkers?: number
  /** Invocations that one worker may run at the same time. 1 keeps any two calls apart. Default: `16`. */
  concurrency?: number
  /** Invocations after which a worker is recycled: about, so that siblings differ, and its replacement is warm first. Default: `10000`. */
  maxInvocations?: number | 'never'
  /** Age at which a worker is recycled: about, so that siblings differ, and its replacement is warm first. One that nobody has called gets a replacement only where `minWorkers` asks for it. Default: `'1h'`. */
  maxAge?: Duration | 'never'
  /** How long a worker above `minWorkers` may idle before it is retired. Default: `'5m'`. */
  idleTimeout?: Duration | 'never'
  /** The handler's time: from the hand-over to a worker to the head of a streamed response, else to the end of the call. Waiting for the caller's body does not count. Then 504, and the worker is replaced. Default: `'30s'`. */
  timeout?: Duration | 'never'
  /** How long a body may be on its way: a request body from the hand-over on, a streamed response from its head on. Server-sent events have `streamIdleTimeout` alone. Default: `'1h'`. */
  streamTimeout?: Duration | 'never'
  /** How long a response that has begun may send nothing. Then it is cut off, and the worker is replaced. Default: `'5m'`. */
  streamIdleTimeout?: Duration | 'never'
  /** How long a process may take to boot, and then again to load the function. Default: `'10s'`. */
  bootTimeout?: Duration
  /** A worker's resident memory, over which it is recycled after its current calls. Default: `'512MiB'`. */
  memory?: Size
  /** Invocations that wait for a worker. */
  queue?: QueueConfig
  /** Variables for the function and nobody else: `env` and `process.env` of its workers. */
  env?: Record<string, string>
  /** True: a call that a dying worker had begun may be run again. False: it is answered 502. Default: `false`. */
  idempotent?: boolean
  /** What a worker and all that it has started may use. What uses more is ended. */
  limits?: FunctionLimits
  /** How its workers start: each booted, or forked from a process that has booted, which is cheap, with what docs/security.md says of that. `auto`: forked where `maxInvocations` is 500 or less. Node only, and not in a sandbox. Default: `'auto'`. */
  startBy?: 'auto' | 'boot' | 'fork'
  /** A worker's claim to the processors. */
  cpu?: CpuConfig
  /** What keeps a function from everything else: a `sandbox`, what its `process` takes from itself, or nothing where it is `trusted`. See docs/security.md. Default: `'process'`. */
  isolation?: 'sandbox' | 'process' | 'trusted'
  /** What it reaches of the network; hosts by way of a proxy, with what that holds: see docs/security.md. Not for what is `trusted`. Default: `'all'`. */
  network?: 'all' | 'none' | string[]
  /** What becomes of TCP servers that it starts. `none`: no port is opened; what it exports, or serves with `app.listen()`, the gateway calls all the same. `loopback`: they listen on 127.0.0.1. `all`: they listen as they say. Programs of the runtimes `http` and `lambda` have their own port in any case. See docs/security.md. Default: `'none'`. */
  listen?: 'none' | 'loopback' | 'all'
  /** Folders and files that it may read, besides its own and the system. Default: `[]`. */
  readable?: string[]
  /** Folders and files that it may write to, besides its temporary folder. They have to be there. Default: `[]`. */
  writable?: string[]
  /** When this machine lacks a part of it: `refuse` answers 503, `warn` runs without it and says so. Unwritten: `refuse` where `isolation` or `network` is written, else `warn`. */
  isolationMissing?: 'refuse' | 'warn'
  /** Variables like those of `env` whose values are never written here: where each is found. */
  secrets?: Record<string, SecretReference>
}

/** Which function answers which paths, besides `/<name>` and `/<name>/*` that each has. */
export interface RouteConfig {
  /** Paths it answers: `'/exact'`, `'/users/:id'`, `'/api/*'`. Compared with the path that the function sees. */
  path: string
  /** Only for this `Host`; `'*.example.com'` for every name below. Unwritten: for all. */
  host?: string
  /** Name of the function that answers. */
  function: string
  /** True: the function sees the path without what stands before `/*`. Only for a path that ends so. Default: `false`. */
  stripPrefix?: boolean
}

/** Runtimes of your own, by the name under which a `function.json` asks for one: see docs/runtimes.md. */
export interface RuntimeConfig {
  /** What starts one worker, and its arguments. A part that begins with `./` or `../` is taken from the file's folder. */
  command: string[]
}

/** The gateway's own log. */
export interface LogConfig {
  /** Least severity that is logged. Default: `'info'`. */
  level?: 'debug' | 'info' | 'warn' | 'error'
  /** How: `auto` is pretty on a terminal, else JSON lines. Default: `'auto'`. */
  format?: 'pretty' | 'json' | 'auto'
}
