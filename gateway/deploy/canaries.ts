/** Looks at the canaries once a second, and does what the policy decides. */
import type { Logger } from '../log.ts'
import { decideCanary } from './canary-policy.ts'
import type { Deployer } from './deployer.ts'
import type { Deployments } from './deployments.ts'
import { versionOf } from './record.ts'

const LOOK_EVERY_MS = 1_000

/** Returns how to stop. */
export function watchCanaries(deployments: Deployments, deployer: Deployer, log: Logger): () => void {
  let isBusy = false
  const look = async (): Promise<void> => {
    for (const { name, canary } of deployments.withCanary()) {
      const { live, canary: answered, sinceStepMs } = deployments.windowsOf(name)
      const decision = decideCanary(canary, live, answered, sinceStepMs)
      const who = { function: name, version: String(canary.version) }
      if (decision.kind === 'revert') {
        log.warn(who, `the canary is taken back: ${decision.why}`)
        await deployer.setCanary(name, null, 'gateway', { why: decision.why, seen: canary })
      } else if (decision.kind === 'raise') {
        const { percent, steps } = decision
        log.info(who, `the canary is raised to ${percent} %`)
        await deployer.setCanary(name, { ...canary, percent, steps }, 'gateway', { seen: canary })
      } else if (decision.kind === 'complete')
        await deployer.activate(
          name,
          (record) => versionOf(record, canary.version)!,
          'gateway',
          () => {},
        )
    }
  }
  const timer = setInterval(() => {
    if (isBusy) return
    isBusy = true
    look()
      .catch((error: Error) => log.error(`a canary could not be changed: ${error.message}`))
      .finally(() => {
        isBusy = false
      })
  }, LOOK_EVERY_MS)
  timer.unref()
  return () => clearInterval(timer)
}
