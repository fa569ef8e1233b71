/**
 * Runs one module of our own in a process that confines itself first: it reads and writes only what it is given, and
 * has its own limits of memory and time. For work on files of people who are not trusted, such as bundling an upload.
 * What the module starts (a bundler, npm) inherits the confinement and counts for the limits.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { filterFor } from './confinement.ts'
import { childrenOf, readProcess } from './resources/process-table.ts'
import { commandOf } from './runtime.ts'
import { signalGroup } from './spawn.ts'
import type { Confined, Confinement, RunAnswer, RunMessage } from './wire/messages.ts'
import { SYSTEM_PATHS } from './wire/system-paths.ts'

export interface ConfinedRun {
  /** File URL of a module whose default export takes `input` and returns a promise. Both are values of JSON. */
  readonly module: string
  readonly input: unknown
  /** Absolute paths. What is not there is passed over. */
  readonly read: readonly string[]
  readonly write: readonly string[]
  /** True: the system's programs and libraries are readable, and it reaches the network. */
  readonly isProgram?: boolean
  readonly env?: Readonly<Record<string, string>>
  readonly memoryBytes: number
  readonly timeoutMs: number
}

/** `reported`: the module threw. `lost`: the process ended by itself or by somebody else, or could not be started. */
export type ConfinedRunReason = 'timeout' | 'out-of-memory' | 'lost' | 'reported'

export class ConfinedRunError extends Error {
  override readonly name = 'ConfinedRunError'
  readonly reason: ConfinedRunReason

  constructor(reason: ConfinedRunReason, message: string) {
    super(message)
    this.reason = reason
  }
}

const ENTRY = fileURLToPath(
  new URL(`runtimes/node/confined-run.${import.meta.url.endsWith('.js') ? 'js' : 'ts'}`, import.meta.url),
)
const SAMPLE_MS = 50
const KEPT_CHARS = 2_000

/** Return the module's result and what was in force while it ran. Throws {@link ConfinedRunError}. */
export async function runConfined<T>(run: ConfinedRun): Promise<{ readonly output: T; readonly confined: Confined }> {
  const child = start(run)
  try {
    const answer = await answerOf(child, run)
    if ('error' in answer) throw new ConfinedRunError('reported', answer.error)
    return { output: answer.output as T, confined: answer.confined }
  } finally {
    if (child.pid !== undefined) signalGroup(child.pid, 'SIGKILL')
  }
}

function start({ env }: ConfinedRun): ChildProcess {
  const command = commandOf('node')
  // The last argument is the worker's own entry.
  const execArgv = command.args.slice(0, -1)
  return fork(ENTRY, [], {
    execPath: command.file,
    execArgv,
    env: { ...command.env, ...env },
    cwd: '/',
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
}

function answerOf(child: ChildProcess, run: ConfinedRun): Promise<RunAnswer> {
  return new Promise((resolve, reject) => {
    let said = ''
    let watch: NodeJS.Timeout | undefined
    let deadline: NodeJS.Timeout | undefined
    const settle = (act: () => void): void => {
      clearInterval(watch)
      clearTimeout(deadline)
      act()
    }
    const fail = (reason: ConfinedRunReason, message: string): void =>
      settle(() => reject(new ConfinedRunError(reason, message)))
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-KEPT_CHARS)
    })
    child.once('message', (answer: RunAnswer) => settle(() => resolve(answer)))
    child.once('error', (error) => fail('lost', error.message))
    child.once('exit', (code, signal) => {
      const last = said.trim().split('\n').at(-1)
      fail('lost', `its process ended (${signal ?? `exit code ${code}`})${last ? `: ${last}` : ''}`)
    })
    deadline = setTimeout(() => fail('timeout', `it took longer than ${run.timeoutMs} ms`), run.timeoutMs)
    watch = setInterval(() => {
      if (child.pid !== undefined && residentBytes(child.pid) > run.memoryBytes)
        fail('out-of-memory', `it needed more than ${run.memoryBytes} bytes of memory`)
    }, SAMPLE_MS)
    const message: RunMessage = { module: run.module, input: run.input, confinement: confinementFor(run) }
    child.send(message, (error) => {
      if (error !== null) fail('lost', error.message)
    })
  })
}

/** Of a process and of all that it has started; 0 where the system does not tell. */
function residentBytes(pid: number): number {
  const own = readProcess(pid)?.rssBytes ?? 0
  return (childrenOf(pid) ?? []).reduce((sum, child) => sum + residentBytes(child), own)
}

function confinementFor({ read, write, isProgram = false }: ConfinedRun): Confinement {
  // The network of 'all' allows the system's paths as well: a runtime's rules have them ready.
  const network = isProgram ? 'all' : 'none'
  return {
    read: isProgram ? [...SYSTEM_PATHS, ...read] : read,
    write: ['/dev/null', ...write],
    network,
    mayListen: false,
    folder: write[0] ?? '/',
    filter: filterFor(network),
    isDemanded: false,
  }
}
