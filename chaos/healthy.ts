/**
 * The neighbours: functions that do nothing wrong, one for each way in which a call can go, and their callers. Whatever
 * strikes the others, their calls must all be answered, and about as fast as in calm. `once` gets a fresh process for
 * every call; so it is judged by its answers alone where there are no processes to be had.
 */
import { spawnSync } from 'node:child_process'
import type { Lane } from './disturbance.ts'

const HELLO = `export default { fetch: (request) => new Response('hello ' + request.headers.get('x-call')) }
`
const METHODS = `export const GET = (request) => new Response('got ' + request.headers.get('x-call'))
export const POST = async (request) => new Response(await request.text())
`
const ECHO = `export default { fetch: (request) => new Response(request.body) }
`
const PYTHON = `def handler(request):
    return 'python ' + request.headers['x-call']
`

export const hasPython = spawnSync('python3', ['--version'], { stdio: 'ignore' }).status === 0

export const HEALTHY_FUNCTIONS: Readonly<Record<string, string>> = {
  'hello.js': HELLO,
  'methods.js': METHODS,
  'echo.js': ECHO,
  'once.js': HELLO,
  ...(hasPython ? { 'python/main.py': PYTHON } : {}),
}

const WARM = { minWorkers: 1, maxWorkers: 2 }

export const HEALTHY_SETTINGS: Readonly<Record<string, object>> = {
  hello: WARM,
  methods: WARM,
  echo: WARM,
  once: { maxInvocations: 1, maxWorkers: 4, concurrency: 1 },
  ...(hasPython ? { python: WARM } : {}),
}

/** Never anything but the right answer, and as fast as in calm. */
export const STEADY: readonly string[] = ['hello', 'methods', 'echo', ...(hasPython ? ['python'] : [])]

export const HEALTHY_LANES: readonly Lane[] = [
  ...times(4, { function: 'hello', everyMs: 60 }),
  { function: 'methods', everyMs: 60 },
  { function: 'methods', everyMs: 60, method: 'POST', bodyBytes: 2_000 },
  { function: 'echo', everyMs: 80, method: 'POST', bodyBytes: 4_000 },
  { function: 'echo', everyMs: 120, method: 'POST', bodyBytes: 200_000 },
  ...(hasPython ? times(2, { function: 'python', everyMs: 80 }) : []),
  { function: 'once', everyMs: 500 },
]

export function times(count: number, lane: Lane): Lane[] {
  return Array.from({ length: count }, () => lane)
}
