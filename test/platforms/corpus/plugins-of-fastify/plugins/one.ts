import type { FastifyInstance } from 'fastify'

export default async function (app: FastifyInstance): Promise<void> {
  app.get('/one', async () => ({ one: true }))
}
