/** node:http and nothing else, on a port or a unix socket: `node node-http.js CASE ADDRESS`. */
import { createServer } from 'node:http'

const [name, address] = process.argv.slice(2)
const { [name]: handler } = await import('../handlers/node.js')
const server = createServer(handler)
if (address.startsWith('/')) server.listen(address)
else server.listen(Number(address), '127.0.0.1')
