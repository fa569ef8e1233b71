/** Ours, as `serve` starts it, with its defaults but for how many workers there are and how many calls each takes. */
import { fileURLToPath } from 'node:url'
import { startGateway } from '../lib/gateway.ts'
import { makeProject } from '../lib/project.ts'
import type { Peer } from './peer.ts'

const HANDLERS = fileURLToPath(new URL('handlers/web.js', import.meta.url))

export const oursShared = ours(64)
export const oursExclusive = ours(1)

function ours(concurrency: number): Peer {
  return {
    name: `ours, concurrency ${concurrency}`,
    async start(host, { name, sharedWorkers, exclusiveWorkers }) {
      const workers = concurrency === 1 ? exclusiveWorkers : sharedWorkers
      const source = `import { ${name} } from ${JSON.stringify(HANDLERS)}\nexport default { fetch: ${name} }\n`
      // A warm call: what recycling costs is the question of the suite `recycling`, and no peer here recycles.
      const settings = { minWorkers: workers, maxWorkers: workers, concurrency, maxInvocations: 'never' }
      const filesIn = () => ({
        functions: { [`${name}.js`]: source },
        config: { overrides: { [name]: settings }, log: { level: 'warn' } },
      })
      const project = makeProject(filesIn, host.folder)
      host.afterwards(async () => project.remove())
      const gateway = await startGateway(project)
      host.afterwards(() => gateway.stop())
      host.adopt(gateway.pid)
      return `${gateway.url}/${name}`
    },
  }
}
