import { WorkerEntrypoint, env } from 'cloudflare:workers'

export default class extends WorkerEntrypoint<{ FLAGS: { beta: boolean } }> {
  async fetch(): Promise<Response> {
    return Response.json([env.NAME, this.env.FLAGS.beta, process.env.FLAGS])
  }
}
