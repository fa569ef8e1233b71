/** Cloudflare's runtime, with a worker made of the web handlers. Its configuration embeds files beside it: copies. */
import { copyFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from './host.ts'
import type { Peer } from './peer.ts'
import { inPackage } from './single-process.ts'

const HANDLERS = ['web.js', 'work.js']

export const workerd: Peer = {
  name: 'workerd',
  async start(host, { name }) {
    const port = await freePort()
    for (const file of HANDLERS) copyFileSync(new URL(`handlers/${file}`, import.meta.url), join(host.folder, file))
    writeFileSync(
      join(host.folder, 'main.js'),
      `import { ${name} } from './web.js'\nexport default { fetch: ${name} }\n`,
    )
    const configFile = join(host.folder, 'config.capnp')
    writeFileSync(configFile, configuration(port))
    host.run([inPackage('workerd', 'bin/workerd'), 'serve', configFile])
    return `http://127.0.0.1:${port}/`
  },
}

function configuration(port: number): string {
  const modules = ['main.js', ...HANDLERS].map((file) => `(name = "${file}", esModule = embed "${file}")`)
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .worker)],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
);
const worker :Workerd.Worker = (
  modules = [${modules.join(', ')}],
  compatibilityDate = "2026-11-01",
  compatibilityFlags = ["nodejs_compat"],
);
`
}
