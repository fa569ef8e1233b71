/** What other programs may use: the configuration's types, and the gateway itself for those who embed it. */
export type { AdminSource, GatewayStatus } from './admin/status.ts'
export * from './config/index.ts'
export { Gateway, type GatewayHooks } from './gateway.ts'
export { createLog, type Logger } from './log.ts'
