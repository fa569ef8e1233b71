/** Looks at the canaries once a second, and does what the policy decides. */
import type { Logger } from '../log.ts'
import { decideCanary } from './canary-policy.ts'
import type { CanaryWindows } from './canary-windows.ts'
import type { Deployer } from './deployer.ts'
import type { Deployments } from './deployments.ts'
import { type CanaryRecord, type FunctionRecord, type VersionRecord, versionOf } from './record.ts'
import { Refusal } from './refusal.ts'

const LOOK_EVERY_MS = 1_000

/** Returns how to stop. */
export function watchCanaries(
  deployments: Deployments,
  windows: CanaryWindows,
  deployer: Deployer,
  log: Logger,
): () => void {
  let isBusy = false
  const look = async (): Promise<void> => {
    const running = deployments.withCanary()
    windows.keep(new Set(running.map(({ name }) => name)))
    // One that cannot be changed does not keep the others from being looked at.
    for (const { name, canary } of running)
      await decide(name, canary, windows, deployer, log).catch((error: Error) =>
        log.error({ function: name }, `the canary could not be changed: ${error.message}`),
      )
  }
  const timer = setInterval(() => {
    if (isBusy) return
    isBusy = true
    void look().finally(() => {
      isBusy = false
    })
  }, LOOK_EVERY_MS)
  timer.unref()
  return () => clearInterval(timer)
}

async function decide(
  name: string,
  canary: CanaryRecord,
  windows: CanaryWindows,
  deployer: Deployer,
  log: Logger,
): Promise<void> {
  const { live, canary: answered, sinceStepMs } = windows.seen(name, canary)
  const decision = decideCanary(canary, live, answered, sinceStepMs)
  const who = { function: name, version: String(canary.version) }
  if (decision.kind === 'revert') {
    log.warn(who, `the canary is taken back: ${decision.why}`)
    windows.noteTakenBack(name, canary.version, decision.why)
    await deployer.setCanary(name, null, 'gateway', { why: decision.why, seen: canary })
  } else if (decision.kind === 'raise') {
    const { percent, steps } = decision
    log.info(who, `the canary is raised to ${percent} %`)
    await deployer.setCanary(name, { ...canary, percent, steps }, 'gateway', { seen: canary })
  } else if (decision.kind === 'complete')
    await deployer.activate(
      name,
      (record) => completed(record, canary),
      'gateway',
      () => {},
    )
}

/** Throws where somebody has ended or changed it since it was looked at. */
function completed(record: FunctionRecord, canary: CanaryRecord): VersionRecord {
  const version = record.canary === canary ? versionOf(record, canary.version) : null
  if (version === null) throw new Refusal('not-found', 'it was changed meanwhile')
  return version
}
