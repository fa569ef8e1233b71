// The environment in which the repository's scripts run tools: those of node_modules first, `node` (26) among them,
// however the script itself was started.
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../', import.meta.url))

const TOOLS = join(root, 'node_modules/.bin')

/** The environment with these folders first in PATH. Where the tools are in it already, they keep their place. */
export function toolEnv(...folders) {
  const path = (process.env.PATH ?? '').split(delimiter)
  const tools = path.includes(TOOLS) ? [] : [TOOLS]
  return { ...process.env, PATH: [...folders, ...tools, ...path].join(delimiter) }
}
