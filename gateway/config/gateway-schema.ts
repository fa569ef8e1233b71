/** What the configuration says of the gateway itself: its addresses, what callers may do, its processes, its log. */

import { DEFAULT_POOL_SETTINGS } from '../../warmpool/index.ts'
import { count, duration, field, flag, oneOf, optional, port, section, size, text } from './fields.ts'
import { host } from './schema-words.ts'
import { formatSize } from './units.ts'

/** 16 random characters are out of reach of guessing over a network. */
const TOKEN = /^[\x21-\x7e]{16,}$/
export const TOKEN_IN_WORDS = 'text of at least 16 characters without spaces'

/** Levels of the gateway's own log, the most talkative first. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const

export const listen = section(
  {
    host: field(host(), '127.0.0.1', 'Address on which functions are served. `0.0.0.0` or `::` for every interface.'),
    port: field(port(), 8787, 'Port on which functions are served. 0 takes any free one.'),
    trustProxy: field(
      flag(),
      false,
      'Believe `x-forwarded-for`, `-proto` and `-host` (which then is the `Host` for routes and functions), and pass on `forwarded` and `x-real-ip`. Only behind a proxy of yours that sets them: else callers choose. False: functions never see what callers say in them.',
    ),
    serverTiming: field(
      flag(),
      false,
      'Tell callers in a `Server-Timing` header what their call waited for: queue, kind of start, load, run.',
    ),
  },
  'ListenConfig',
)

export const admin = section(
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

export const limits = section(
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
      'Bytes a second that a request body has to bring, and that a caller has to take of a response: each so many give back a second of `bodyTimeout`, or of `writeTimeout`. 0: any byte gives back all of it.',
    ),
    writeTimeout: field(
      duration(1),
      '60s',
      'How long a caller may take nothing of a response that is being sent, and may fall behind `bodyRate`. Then its connection is cut.',
    ),
    halfCloseTimeout: field(
      duration(1),
      '5s',
      'How long a caller that has closed its sending side is served while nothing is sent to it. It may wait for its answer, or have left: then its call is cancelled.',
    ),
    keepAliveTimeout: field(
      duration(1),
      '65s',
      'How long a connection without a request stays open. Longer than the same setting of the proxy in front.',
    ),
    shutdownTimeout: field(
      duration(),
      '30s',
      'How long a stopping gateway waits for the requests it has accepted. Then it answers the others 503 `shutdown`, ends event streams, cuts off responses that have begun, and is gone a second later.',
    ),
    readyTimeout: field(
      duration(),
      '30s',
      'How long `/readyz` answers 503 at most after a start while the workers start that `minWorkers` asks for. Functions are served meanwhile: calls wait for a worker.',
    ),
    connections: optional(
      count(1),
      null,
      'Most connections at once. One more takes the place of one on which no request comes, or is answered 503. Unwritten: as many as leave workers the descriptors they need, of those that `ulimit -n` allows.',
    ),
  },
  'LimitsConfig',
)

export const deploy = section(
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
    buildMemory: field(
      size(64 * 1024 * 1024),
      '1GiB',
      'Most resident memory of the process that builds an upload, the bundler included. Two build at the same time.',
    ),
    buildTimeout: field(duration(), '60s', 'How long building an upload may take, without installing its packages.'),
    preview: field(
      oneOf(['key', 'open']),
      'key',
      'Who may call a version that is not live: whoever knows its key, or anybody who knows its number (`open`).',
    ),
  },
  'DeployConfig',
)

export const pool = section(
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

export const log = section(
  {
    level: field(oneOf(LOG_LEVELS), 'info', 'Least severity that is logged.'),
    format: field(oneOf(['pretty', 'json', 'auto']), 'auto', 'How: `auto` is pretty on a terminal, else JSON lines.'),
  },
  'LogConfig',
)
