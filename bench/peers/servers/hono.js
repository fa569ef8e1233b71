/** hono on @hono/node-server, as its documents start it: `node hono.js CASE PORT`. */
import { serve } from '@hono/node-server'
import { Hono } from 'hono'

const [name, port] = process.argv.slice(2)
const { [name]: handler } = await import('../handlers/web.js')
const app = new Hono()
app.all('/', (context) => handler(context.req.raw))
serve({ fetch: app.fetch, port: Number(port), hostname: '127.0.0.1' })
