/** fastify as a gateway in front of another server: `node fastify-proxy.js UPSTREAM-PORT PORT`. */
import proxy from '@fastify/http-proxy'
import Fastify from 'fastify'

const [upstreamPort, port] = process.argv.slice(2)
const server = Fastify()
server.register(proxy, { upstream: `http://127.0.0.1:${upstreamPort}` })
await server.listen({ port: Number(port), host: '127.0.0.1' })
