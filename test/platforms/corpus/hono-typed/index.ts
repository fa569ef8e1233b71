import { Hono } from 'hono'
import { streamText } from 'hono/streaming'

const app = new Hono()
app.get('/hello/:name', (c) => c.json({ hello: c.req.param('name') }))
app.get('/count', (c) =>
  streamText(c, async (stream) => {
    for (const n of [1, 2, 3]) await stream.write(String(n))
  }),
)
export default app
