export async function notes(app) {
  const kept = []
  const body = { type: 'object', required: ['text'], properties: { text: { type: 'string' } } }
  app.get('/', async () => kept)
  app.post('/', { schema: { body } }, async (request, reply) => {
    kept.push(request.body.text)
    return reply.code(201).send({ count: kept.length })
  })
}
