/** What the admin address tells: the pool's own snapshot, and what only the gateway knows. Plain data. */
import type { FunctionStatus, PoolStatus } from '../../warmpool/index.ts'
import type { ConnectionCounts } from '../http/server/http-server.ts'

export type GatewayState = 'starting' | 'serving' | 'draining'

export interface GatewayInfo {
  readonly version: string
  readonly nodeVersion: string
  readonly pid: number
  readonly uptimeMs: number
  /** The public address as a URL. */
  readonly address: string
  readonly functionsDir: string
  readonly state: GatewayState
  readonly requestsInFlight: number
  readonly connections: ConnectionCounts
  /** null when it runs on defaults. */
  readonly configFile: string | null
}

/** Why a function has no bundle that runs, with the place in its source when that is known. */
export interface FunctionError {
  readonly code: string
  readonly message: string
  readonly file?: string
  /** Counted from 1. */
  readonly line?: number
  /** A few lines of source around the place, several lines of text. */
  readonly frame?: string
}

export interface FunctionReport extends FunctionStatus {
  readonly routes: readonly string[]
  /** The newest source does not build or load; an older bundle may still be live. */
  readonly error: FunctionError | null
  /** It was deployed to the running gateway, and this part of a hundred goes to a version that is tried. */
  readonly deployed?: { readonly canary: { readonly version: number; readonly percent: number } | null }
}

export interface GatewayStatus {
  readonly gateway: GatewayInfo
  readonly pool: PoolStatus['pool']
  readonly functions: readonly FunctionReport[]
}

/** Where the admin address gets what it tells. Asked anew for each request. */
export interface AdminSource {
  /** What callers have to present. */
  readonly adminToken: string
  /** True while the public address takes requests. */
  isReady(): boolean
  status(): GatewayStatus
}
