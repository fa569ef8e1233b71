/** What `dev` and `serve --watch` add: sources are followed and swapped in; and in `dev` every call is told in one readable line. */
import pc from 'picocolors'
import { isPassing } from '../functions/build-error.ts'
import type { OnBroken } from '../functions/catalog.ts'
import { isShortage } from '../functions/shortage.ts'
import { type FunctionsWatch, watchFunctions } from '../functions/watch.ts'
import type { ExchangeSummary } from '../http/http-invocation.ts'
import type { Problem } from '../http/problem.ts'
import type { Exchange } from '../http/server/exchange.ts'
import { print } from './print.ts'
import type { Running } from './run-gateway.ts'

/** What the machine had no room or no descriptor for is tried again without another change. */
const AGAIN_MS = 1_000

/** How long nothing may change before a change is taken for whole: who copies a folder takes longer than who saves a file. */
const COPIED_MS = 500

/** For `serve --watch`: callers get what worked last. */
export function followDeliveries(running: Running): Promise<() => Promise<void>> {
  return followSources(running, 'keep-serving', COPIED_MS)
}

/** Follows the functions folder; returns how to stop. For `dev`: the author gets to see what does not work. */
export async function followSources(
  { gateway, log }: Running,
  onBroken: OnBroken = 'serve-nothing',
  settleMs?: number,
): Promise<() => Promise<void>> {
  let last = Promise.resolve()
  let watch: FunctionsWatch | null = null
  const waiting = new Set<string>()
  let timer: NodeJS.Timeout | null = null
  const swap = async (names: ReadonlySet<string>): Promise<void> => {
    const startedAtMs = performance.now()
    const entries = await gateway.reload(names, onBroken)
    const tookMs = (performance.now() - startedAtMs).toFixed(0)
    for (const { name, error, outsideInputs, bundle } of entries) {
      watch?.setOutsideInputs(name, outsideInputs)
      const stays = bundle === null ? '' : ': what was live stays live'
      if (error === null) log.info({ function: name }, `swapped in (${tookMs} ms)`)
      else log.error({ function: name, frame: error.frame }, `${error.message}${stays}`)
    }
    again(entries.filter(({ error }) => isPassing(error)).map(({ name }) => name))
    const gone = [...names].filter((name) => !entries.some((entry) => entry.name === name))
    for (const name of gone) log.info({ function: name }, 'removed')
  }
  const swapInTurn = (names: ReadonlySet<string>): void => {
    // One after the other, so that the newest state is the last that is swapped in.
    last = last
      .then(() => swap(names))
      .catch((error: Error) => {
        log.error(`could not be swapped in: ${error.message}`)
        if (isShortage(error)) again(names)
      })
  }
  const again = (names: Iterable<string>): void => {
    for (const name of names) waiting.add(name)
    if (waiting.size === 0) return
    timer ??= setTimeout(() => {
      timer = null
      const now = new Set(waiting)
      waiting.clear()
      swapInTurn(now)
    }, AGAIN_MS)
  }
  const onError = (error: Error): void => log.error(`changes may be missed from here on: ${error.message}`)
  watch = await watchFunctions(gateway.config.functionsDir, swapInTurn, onError, settleMs)
  for (const { name, outsideInputs } of gateway.functions) watch.setOutsideInputs(name, outsideInputs)
  return async () => {
    await watch.close()
    await last
    clearTimeout(timer ?? undefined)
  }
}

/** `GET /hello?name=you 200 1.3 ms blank` */
export function printCall({ invocation, status, problem, tookMs }: ExchangeSummary): void {
  printLine(invocation.exchange, status, problem, `${tookMs.toFixed(1)} ms ${pc.dim(invocation.startKind)}`)
}

/** `GET /nope 404 not-found` */
export function printRefused(exchange: Exchange, refusal: Problem): void {
  printLine(exchange, refusal.status, refusal, '')
}

function printLine({ method, url }: Exchange, status: number, problem: Problem | null, rest: string): void {
  const color = status === 0 ? pc.dim : status >= 500 ? pc.red : status >= 400 ? pc.yellow : pc.green
  const shown = status === 0 ? 'caller left' : String(status)
  const why = problem === null ? '' : ` ${problem.code}`
  print(`${pc.bold(method)} ${url} ${color(`${shown}${why}`)} ${rest}\n`)
}
