/**
 * What the public side is set to: as the configuration says, with so many connections as leave workers and the way out
 * of functions their descriptors.
 */
import type { Config } from './config/index.ts'
import { hasHostLists } from './egress/allowed-hosts.ts'
import { EGRESS_DESCRIPTORS } from './egress/proxy.ts'
import { connectionLimit, openFilesLimit } from './http/connection-limit.ts'
import type { EdgeSettings } from './http/edge.ts'

export function edgeSettings(config: Config): EdgeSettings {
  const { listen, limits, pool } = config
  const { trustProxy, serverTiming } = listen
  const others = hasHostLists(config) ? EGRESS_DESCRIPTORS : 0
  const connections = limits.connections ?? connectionLimit(openFilesLimit(), pool.maxWorkers, others)
  return { ...limits, connections, trustProxy, serverTiming }
}
