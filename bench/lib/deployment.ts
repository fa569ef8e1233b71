/**
 * A gateway with so many functions, of which a few are warm with one worker each, and how long it took to start. What
 * is called is the same in each, however many functions lie beside it.
 */
import { type Gateway, startGateway } from './gateway.ts'
import { oneCall } from './one-call.ts'
import { makeProject, type Project } from './project.ts'
import type { Progress } from './suite.ts'

export const WARM_WORKERS = 10
export const BLANKS = 2
export const CONNECTIONS = 64
/** One worker that takes all connections. */
const WARM = { minWorkers: 1, maxWorkers: 1, concurrency: CONNECTIONS }

export interface Deployed {
  readonly count: number
  readonly project: Project
  readonly gateway: Gateway
  /** With nothing built, and with everything built. */
  readonly firstStartMs: number
  readonly secondStartMs: number
}

/** The caller stops the gateway and removes the project. Nothing is left when it does not start. */
export async function deploy(count: number, progress: Progress): Promise<Deployed> {
  const names = Array.from({ length: count }, (_, at) => nameOf(at))
  const functions = Object.fromEntries(
    names.map((name) => [`${name}.js`, `export default { fetch: () => new Response('I am ${name}\\n') }\n`]),
  )
  const cold = { pool: { maxWorkers: 64, blanks: BLANKS }, log: { level: 'warn' } }
  const project = makeProject(() => ({ functions, config: cold }))
  try {
    return await startThrice(count, project, progress, () =>
      project.configure({ ...cold, overrides: Object.fromEntries(warmNames(count).map((name) => [name, WARM])) }),
    )
  } catch (error) {
    project.remove()
    throw error
  }
}

/** Without warm workers first, once with nothing built and once with everything built; then with them. */
async function startThrice(
  count: number,
  project: Project,
  progress: Progress,
  keepWarm: () => void,
): Promise<Deployed> {
  progress(`${count} functions: starting, with nothing built`)
  const firstStartMs = await startAndStop(project)
  progress(`${count} functions: started in ${(firstStartMs / 1000).toFixed(1)} s; again, with everything built`)
  const secondStartMs = await startAndStop(project)
  progress(`${count} functions: started in ${(secondStartMs / 1000).toFixed(1)} s; again, with ${WARM_WORKERS} warm`)
  keepWarm()
  return { count, project, firstStartMs, secondStartMs, gateway: await startGateway(project) }
}

async function startAndStop(project: Project): Promise<number> {
  const gateway = await startGateway(project)
  await gateway.stop()
  return gateway.startMs
}

/** Spread over all functions, so that none is found early by its place. */
function warmNames(count: number): string[] {
  return Array.from({ length: WARM_WORKERS }, (_, at) => nameOf(Math.floor((at * count) / WARM_WORKERS)))
}

export function nameOf(at: number): string {
  return `f${String(at).padStart(5, '0')}`
}

/** The function in the middle of those that are warm. */
export function calledName(count: number): string {
  return warmNames(count)[WARM_WORKERS >> 1]!
}

export async function proveAnswer({ count, gateway }: Deployed): Promise<void> {
  const name = calledName(count)
  const { status, body } = await oneCall(`${gateway.url}/${name}`)
  if (status !== 200 || body !== `I am ${name}\n`) throw new Error(`${name} answered ${status}: ${body}`)
}
