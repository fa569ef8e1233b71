/** Bun's own server: `bun bun.js CASE PORT`. */
const [name, port] = process.argv.slice(2)
const { [name]: handler } = await import('../handlers/web.js')
Bun.serve({ port: Number(port), hostname: '127.0.0.1', fetch: handler })
