import { Hono } from 'hono'

const app = new Hono()
app.get('/', (c) => c.text('fired'))
app.post('/echo', async (c) => c.json(await c.req.json()))
app.fire()
