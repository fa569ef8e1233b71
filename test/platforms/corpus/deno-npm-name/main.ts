import { Hono } from 'npm:hono@4'

const app = new Hono()
app.get('*', (c) => c.text(`deno ${c.req.path}`))
Deno.serve({ port: 8000 }, app.fetch)
