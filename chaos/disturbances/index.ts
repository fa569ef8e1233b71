/** All disturbances. */
import type { Disturbance } from '../disturbance.ts'
import { allocate } from './allocate.ts'
import { clockJumps } from './clock-jumps.ts'
import { configRewrites } from './config-rewrites.ts'
import { deploys } from './deploys.ts'
import { forkBomb } from './fork-bomb.ts'
import { freeze } from './freeze.ts'
import { fullDisk } from './full-disk.ts'
import { kill } from './kill.ts'
import { openConnections } from './open-connections.ts'
import { slowCallers } from './slow-callers.ts'
import { spin } from './spin.ts'
import { vanishingCallers } from './vanishing-callers.ts'
import { wireGarbage } from './wire-garbage.ts'
import { workerDescriptors } from './worker-descriptors.ts'

export const DISTURBANCES: readonly Disturbance[] = [
  kill,
  freeze,
  allocate,
  spin,
  forkBomb,
  workerDescriptors,
  openConnections,
  fullDisk,
  slowCallers,
  vanishingCallers,
  wireGarbage,
  clockJumps,
  configRewrites,
  deploys,
]
