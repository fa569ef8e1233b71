// Starts processes that try to outlive it. Each answer is the number of one that runs on.
import { spawn } from 'node:child_process'
import { once } from 'node:events'

// They neither hear of a lost terminal nor hold the worker's pipes.
const STUBBORN = "trap '' HUP TERM INT; echo $$; exec >/dev/null 2>&1; while :; do sleep 1000; done"

const WAYS = {
  child: ['/bin/sh', ['-c', STUBBORN]],
  // A session of its own, which killing the worker's group does not reach.
  setsid: ['setsid', ['/bin/sh', '-c', STUBBORN]],
  // Its parent is gone before anybody could look.
  'double fork': [
    '/bin/sh',
    ['-c', `setsid /bin/sh -c "${STUBBORN.replaceAll('"', '\\"').replaceAll('$', '\\$')}" & exit 0`],
  ],
  // Nothing in its environment says whose it is.
  'hidden double fork': [
    '/bin/sh',
    ['-c', `env -i setsid /bin/sh -c "${STUBBORN.replaceAll('"', '\\"').replaceAll('$', '\\$')}" & exit 0`],
  ],
}

export default async function start({ how, number }) {
  const [file, args] = WAYS[how]
  const env = { ...process.env }
  // A neighbour's, as far as a function can know it.
  const ownName = env.WRANGLER_FREE_WORKER
  if (number !== undefined) env.WRANGLER_FREE_WORKER = [...ownName.split('.').slice(0, 3), number].join('.')
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'ignore'], detached: how === 'setsid', env })
  const [output] = await once(child.stdout, 'data')
  child.stdout.destroy()
  child.unref()
  return { pid: Number(output), worker: process.pid, name: ownName }
}
