import page from './page.md'

export interface Env {
  GREETING: string
  LIMITS: { max: number }
}

export default {
  async fetch(request: Request & { cf?: { country?: string } }, env: Env) {
    return Response.json([env.GREETING, env.LIMITS.max, page.trim(), request.cf?.country ?? null])
  },
}
