/** A gateway's status as the tests of the admin address and of the status table use it. */
import type { AdminSource, FunctionReport, GatewayStatus } from '../../../gateway/admin/status.ts'

export function sampleFunction(name: string, changes: Partial<FunctionReport> = {}): FunctionReport {
  return {
    name,
    version: 1,
    bundle: `${name}-bundle`,
    runtime: 'node',
    isolation: { profile: 'process', network: 'all', inForce: null, missing: [] },
    starts: { warm: 0, blank: 0, cold: 0 },
    deaths: {},
    invocations: 0,
    errors: 0,
    latencyMs: { p50: null, p99: null },
    queue: 0,
    unavailable: null,
    workers: [],
    routes: [`/${name}`],
    error: null,
    ...changes,
  }
}

export function sampleStatus(functions: readonly FunctionReport[]): GatewayStatus {
  return {
    gateway: {
      version: '1.2.3',
      nodeVersion: '26.10.0',
      pid: 4711,
      uptimeMs: 192_000,
      address: 'http://127.0.0.1:8787',
      functionsDir: '/srv/functions',
      state: 'serving',
      requestsInFlight: 1,
      connections: { open: 2, max: 1000, turnedAway: 0 },
      configFile: null,
    },
    pool: {
      blanks: 2,
      starting: 0,
      workers: 5,
      memoryBytes: 132 * 1024 * 1024,
      maxWorkers: 64,
      memoryLimitBytes: 4096 * 1024 * 1024,
      accounting: 'cgroup',
      deaths: {},
    },
    functions,
  }
}

export const SAMPLE_STATUS = sampleStatus([
  sampleFunction('hello', {
    version: 3,
    starts: { warm: 12_345, blank: 3, cold: 1 },
    deaths: { crash: 1, invocations: 12 },
    invocations: 12_349,
    errors: 2,
    latencyMs: { p50: 0.42, p99: 12.34 },
    workers: [
      {
        pid: 1,
        runtime: 'node 26.10.0',
        state: 'ready',
        invocations: 6000,
        inFlight: 0,
        ageMs: 9000,
        rssBytes: 1000,
        processes: 11,
      },
      {
        pid: 2,
        runtime: 'node 26.10.0',
        state: 'busy',
        invocations: 6349,
        inFlight: 1,
        ageMs: 9000,
        rssBytes: 1000,
        processes: 11,
      },
      {
        pid: 3,
        runtime: 'node 26.10.0',
        state: 'ready',
        invocations: 0,
        inFlight: 0,
        ageMs: 100,
        rssBytes: 1000,
        processes: 11,
      },
    ],
  }),
  sampleFunction('broken', {
    error: { code: 'build-failed', message: 'Unexpected "}"', file: 'functions/broken.ts', line: 7, frame: '7 | }' },
  }),
])

/** Its token is `s3cret` until a test says otherwise. */
export function sourceOf(status: GatewayStatus, isReady = true): AdminSource & { adminToken: string } {
  return { adminToken: 's3cret', isReady: () => isReady, status: () => status }
}
