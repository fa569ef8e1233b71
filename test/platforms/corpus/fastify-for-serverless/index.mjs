import Fastify from 'fastify'

const app = Fastify()
app.get('/items/:id', async (request) => ({ id: request.params.id }))

export default async function handler(req, res) {
  await app.ready()
  app.server.emit('request', req, res)
}
