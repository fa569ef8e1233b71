/**
 * Which cores the servers and the load generator run on, so that a run can be repeated. With four cores or more they
 * do not share any; with fewer they have to, and the conditions of each result say so.
 */
import { spawnSync } from 'node:child_process'
import { availableParallelism } from 'node:os'

const cores = availableParallelism()
const hasTaskset = spawnSync('taskset', ['--version'], { stdio: 'ignore' }).status === 0
const isShared = cores < 4

const SERVER_CORES = cores === 1 ? '0' : '0,1'
const LOAD_CORES = isShared ? SERVER_CORES : `2-${cores - 1}`

/** As many processes or threads as this are what a server that wants "one a core" gets. */
export const serverCoreCount = cores === 1 ? 1 : 2

/** What is put before a server's command. */
export const pinServer: readonly string[] = hasTaskset ? ['taskset', '-c', SERVER_CORES] : []
/** What is put before a load generator's command. */
export const pinLoad: readonly string[] = hasTaskset ? ['taskset', '-c', LOAD_CORES] : []

export const pinningInWords = !hasTaskset
  ? 'Not pinned to cores: taskset is not installed.'
  : isShared
    ? `Servers are pinned to cores ${SERVER_CORES}; the load generator shares these: this machine has ${cores}.`
    : `Servers are pinned to cores ${SERVER_CORES}, the load generator to ${LOAD_CORES}.`
