import type { IncomingMessage, ServerResponse } from 'node:http'

export default async function (request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.url === '/bad') throw new Error('no')
  response.setHeader('x-way', 'typed')
  response.end(JSON.stringify({ url: request.url }))
}
