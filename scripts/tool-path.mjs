// The environment in which the repository's scripts run tools: those of node_modules first, `node` (26) among them,
// however the script itself was started.
import { delimiter } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../', import.meta.url))

/** The environment with these folders first in PATH, then the repository's tools. */
export function toolEnv(...folders) {
  const path = [...folders, `${root}node_modules/.bin`, process.env.PATH].join(delimiter)
  return { ...process.env, PATH: path }
}
