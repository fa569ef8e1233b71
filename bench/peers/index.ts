/** The contestants of the HTTP suites, in the order of their rows. */
import { fastifyProxy } from './fastify-proxy.ts'
import { nginxNode, nginxPhp } from './nginx.ts'
import { oursExclusive, oursShared } from './ours.ts'
import type { Peer } from './peer.ts'
import { bun, functionsFramework, hono, nodeHttp, piscina } from './single-process.ts'
import { workerd } from './workerd.ts'

export { hono, nginxNode, nodeHttp, oursShared }

export const OURS: readonly Peer[] = [oursShared, oursExclusive]

export const PEERS: readonly Peer[] = [
  nodeHttp,
  hono,
  ...OURS,
  nginxNode,
  nginxPhp,
  piscina,
  workerd,
  functionsFramework,
  fastifyProxy,
  bun,
]
