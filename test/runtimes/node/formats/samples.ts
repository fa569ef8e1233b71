/** One sample a format for contract.test.ts: a new format joins with an object here, or in a file of its own. */
import type { Sample } from './contract.ts'
import { azureSample } from './contract-azure.ts'
import { gcfSample } from './contract-gcf.ts'
import { netlifySample } from './contract-netlify.ts'
import { nodeSample } from './contract-node.ts'
import { vercelSample } from './contract-vercel.ts'

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

const lambdaSample: Sample = {
  format: 'lambda',
  isInferred: true,
  module: `
    export const handler = async ({ rawPath: path, queryStringParameters: query, body = '', isBase64Encoded, requestContext }) => {
      const { method } = requestContext.http
      switch (path) {
        case '/hello': return { statusCode: 200, body: 'hello' }
        case '/echo': return { method, path, name: query.name, body }
        case '/json': return { ok: true }
        case '/throw': throw new Error('boom')
        case '/missing': return { statusCode: 404, headers: { 'X-Reason': 'nothing here' }, body: 'missing' }
        case '/bytes': {
          const headers = { 'content-type': 'application/octet-stream' }
          return { statusCode: 200, headers, body, isBase64Encoded }
        }
        case '/cookies': return { statusCode: 200, cookies: ['a=1', 'b=2; Path=/'], body: 'set' }
      }
    }`,
}

const openfaasSample: Sample = {
  format: 'openfaas',
  isInferred: false,
  module: `
    export default async ({ path, method, query, body }, context) => {
      switch (path) {
        case '/hello': return 'hello'
        case '/echo': return { method, path, name: query.name, body }
        case '/json': return context.succeed({ ok: true })
        case '/throw': throw new Error('boom')
        case '/missing': return context.status(404).headers({ 'X-Reason': 'nothing here' }).succeed('missing')
        case '/bytes': return context.headers({ 'content-type': 'application/octet-stream' }).succeed(body)
        case '/cookies': return context.headers({ 'Set-Cookie': ['a=1', 'b=2; Path=/'] }).succeed('set')
      }
    }`,
}

export const SAMPLES: readonly Sample[] = [
  fetchSample,
  methodsSample,
  lambdaSample,
  openfaasSample,
  netlifySample,
  azureSample,
  nodeSample,
  gcfSample,
  vercelSample,
]
