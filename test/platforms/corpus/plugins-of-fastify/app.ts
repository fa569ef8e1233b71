import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import Fastify from 'fastify'

const app = Fastify()
const folder = join(import.meta.dirname, 'plugins')
for (const file of readdirSync(folder)) app.register((await import(join(folder, file))).default)
export default app
