/** Bun's own server: `bun bun.js CASE PORT`. */
import * as handlers from '../handlers/web.js'

const [name, port] = process.argv.slice(2)
Bun.serve({ port: Number(port), hostname: '127.0.0.1', fetch: handlers[name] })
