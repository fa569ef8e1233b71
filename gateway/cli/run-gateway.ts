/**
 * What `serve` and `dev` share: load the configuration, start, apply changes of the configuration, and stop on a
 * signal. The first signal drains; a second one does not wait any longer.
 */
import { stderr } from 'node:process'
import pc from 'picocolors'
import { endLeftBehind, ownAllStrays } from '../../warmpool/index.ts'
import {
  type Config,
  type ConfigFlags,
  changedWithRestart,
  type LoadOptions,
  loadConfig,
  watchConfig,
} from '../config/index.ts'
import { isPassing } from '../functions/build-error.ts'
import { Gateway, type GatewayHooks } from '../gateway.ts'
import { createLog, type Logger } from '../log.ts'
import { renderBanner } from './banner.ts'
import { print } from './print.ts'

export interface RunFlags extends ConfigFlags {
  readonly config?: string
}

export interface Running {
  readonly gateway: Gateway
  readonly log: Logger
}

/** Runs until a signal, and resolves when everything has stopped. */
export async function runGateway(
  flags: RunFlags,
  hooks: GatewayHooks,
  onRunning: (running: Running) => Promise<() => Promise<void>>,
): Promise<void> {
  const startedAtMs = performance.now()
  const { config: file, ...settings } = flags
  const options: LoadOptions = { cwd: process.cwd(), flags: settings, ...(file === undefined ? {} : { file }) }
  const config = await loadConfig(options)
  const log = createLog(config.log)
  // This process is nobody else's: what it is given as a child is a worker's.
  ownAllStrays()
  endLeftBehind()
  const stopped = Promise.withResolvers<void>()
  let gateway: Gateway | null = null
  let hasSignal = false
  const onSignal = (signal: NodeJS.Signals): void => {
    // Before there is anything to drain, and for whoever does not want to wait.
    if (hasSignal || gateway === null) process.exit(signal === 'SIGINT' ? 130 : 143)
    hasSignal = true
    log.info(`${signal}: answering what was accepted, then stopping`)
    gateway.stop().then(stopped.resolve, (error: Error) => {
      // Half stopped, it would neither serve nor end.
      log.error(`could not stop cleanly: ${error.message}`)
      process.exit(1)
    })
  }
  process.on('SIGTERM', onSignal)
  process.on('SIGINT', onSignal)
  gateway = await Gateway.start(config, log, { ...progress(), ...hooks })
  reportBroken(gateway, log)
  const stopConfigWatch = followConfig(gateway, config, options, log)
  const stopOwn = await onRunning({ gateway, log })
  // Whoever reads this may edit a source or the settings at once.
  print(renderBanner(bannerFacts(gateway, performance.now() - startedAtMs)))
  await stopped.promise
  await Promise.all([stopConfigWatch(), stopOwn()])
  process.off('SIGTERM', onSignal)
  process.off('SIGINT', onSignal)
}

function bannerFacts(gateway: Gateway, tookMs: number): Parameters<typeof renderBanner>[0] {
  const { address, adminAddress, functions, config } = gateway
  return { address, adminAddress, functions, tookMs, functionsDir: config.functionsDir, configFile: config.file }
}

function reportBroken(gateway: Gateway, log: Logger): void {
  // What fails while it is loaded has been logged by then.
  for (const { name, error } of gateway.functions) {
    if (error !== null && (error.code === 'build-failed' || isPassing(error)))
      log.error({ function: name, frame: error.frame }, `cannot be built: ${error.message}`)
  }
}

/** Building many functions takes a while: on a terminal, say how far it is. */
function progress(): GatewayHooks {
  if (!stderr.isTTY) return {}
  return {
    onProgress(done, total) {
      stderr.write(done === total ? '\r\x1b[K' : `\r${pc.dim(`building ${done} of ${total} functions`)}`)
    },
  }
}

function followConfig(gateway: Gateway, config: Config, options: LoadOptions, log: Logger): () => Promise<void> {
  const watcher = watchConfig(config, options, {
    onChange(next) {
      // Against what runs: the addresses are those of the start, whatever was written since.
      const late = changedWithRestart(config, next)
      if (late.length > 0) log.warn(`${late.join(', ')} changed: takes effect with a restart`)
      gateway.retune(next).then(
        () => log.info(`settings changed: ${next.file}`),
        (error: Error) => log.error(`the changed settings could not be applied: ${error.message}`),
      )
    },
    onError: (error) => log.error(`the running settings stay as they are: ${error.message}`),
  })
  return () => watcher.close()
}
