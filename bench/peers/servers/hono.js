/** hono on @hono/node-server, as its documents start it: `node hono.js CASE PORT`. */
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import * as handlers from '../handlers/web.js'

const [name, port] = process.argv.slice(2)
const app = new Hono()
app.all('/', (context) => handlers[name](context.req.raw))
serve({ fetch: app.fetch, port: Number(port), hostname: '127.0.0.1' })
