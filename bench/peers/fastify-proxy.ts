/** fastify with @fastify/http-proxy, in front of a node:http that listens on a port of its own. */
import { freePort } from './host.ts'
import type { Peer } from './peer.ts'
import { node } from './single-process.ts'

export const fastifyProxy: Peer = {
  name: 'fastify + http-proxy -> node:http',
  async start(host, { name }) {
    const [upstreamPort, port] = [String(await freePort()), String(await freePort())]
    host.run(node('node-http.js', name, upstreamPort))
    host.run(node('fastify-proxy.js', upstreamPort, port))
    return `http://127.0.0.1:${port}/`
  },
}
