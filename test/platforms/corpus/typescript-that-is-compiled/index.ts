import { page } from '~/page'
import { Level } from './lib/level'

export const GET = (): Response => new Response(page(Level[Level.High]), { headers: { 'content-type': 'text/html' } })
