/** Variables and arguments by which a parent tells what its workers' processes are. Whatever a function starts inherits the first alone. */

/** The name of the worker, see resources/identity.ts. */
export const WORKER_VARIABLE = 'WRANGLER_FREE_WORKER'
/** The file of the system door. */
export const SYSTEM_DOOR = 'WRANGLER_FREE_SYSTEM_DOOR'
/**
 * How a template's Node is started: V8 does by itself what it would else give to threads, which are not forked, compiles at
 * once what only its forks will call, keeps compiled code that was not used for long, and collects no garbage for being
 * idle: that would write to pages that forks share.
 */
export const TEMPLATE_ARGUMENTS: readonly string[] = [
  '--single-threaded',
  '--v8-pool-size=1',
  '--no-lazy',
  '--no-flush-bytecode',
  '--no-memory-reducer',
]
/** It is a template: the number of the descriptor on which it is asked to fork. */
export const TEMPLATE_VARIABLE = 'WRANGLER_FREE_TEMPLATE'
