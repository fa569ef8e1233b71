/** One sample a format for contract.test.ts: a new format joins with an object here. */
import type { Sample } from './contract.ts'

const fetchSample: Sample = {
  format: 'fetch',
  isInferred: true,
  module: `
    export default {
      async fetch(request) {
        const { pathname: path, searchParams } = new URL(request.url)
        switch (path) {
          case '/hello': return new Response('hello')
          case '/echo': {
            const body = await request.text()
            return Response.json({ method: request.method, path, name: searchParams.get('name'), body })
          }
          case '/json': return Response.json({ ok: true })
          case '/throw': throw new Error('boom')
          case '/missing': return new Response('missing', { status: 404, headers: { 'x-reason': 'nothing here' } })
          case '/bytes': {
            const headers = { 'content-type': 'application/octet-stream' }
            return new Response(await request.bytes(), { headers })
          }
          case '/cookies': return new Response('set', { headers: [['set-cookie', 'a=1'], ['set-cookie', 'b=2; Path=/']] })
        }
      },
    }`,
}

const methodsSample: Sample = {
  format: 'methods',
  isInferred: true,
  module: `
    const pathOf = (request) => new URL(request.url).pathname
    const echo = async (request) => {
      const { pathname: path, searchParams } = new URL(request.url)
      return Response.json({ method: request.method, path, name: searchParams.get('name'), body: await request.text() })
    }
    export function GET(request) {
      switch (pathOf(request)) {
        case '/hello': return new Response('hello')
        case '/json': return Response.json({ ok: true })
        case '/throw': throw new Error('boom')
        case '/missing': return new Response('missing', { status: 404, headers: { 'x-reason': 'nothing here' } })
        case '/cookies': return new Response('set', { headers: [['set-cookie', 'a=1'], ['set-cookie', 'b=2; Path=/']] })
      }
    }
    export const POST = echo
    export const DELETE = echo
    export async function PUT(request) {
      return new Response(await request.bytes(), { headers: { 'content-type': 'application/octet-stream' } })
    }`,
}

export const SAMPLES: readonly Sample[] = [fetchSample, methodsSample]
