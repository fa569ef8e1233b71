import { Hono } from 'hono'
import { greet } from '~/greet.ts'

const app = new Hono()
app.get('/hi/:name', (c) => c.text(greet(c.req.param('name'))))
Deno.serve({ port: 8000 }, app.fetch)
