import Fastify from 'fastify'
import { notes } from './plugins/notes.js'

const app = Fastify({ logger: false })
await app.register(notes, { prefix: '/notes' })
await app.listen({ port: 3000, host: '0.0.0.0' })
