/**
 * The functions as `(request, response)` of node:http, one export each: for node:http itself, behind nginx and fastify,
 * and in the Functions Framework, whose `rawBody` is the body that it has read by then.
 */
import * as tasks from './tasks.js'

const CONTENT_TYPES = { json: 'application/json', download: 'application/octet-stream' }

export const hello = answerWith('hello', tasks.hello)
export const json = answerWith('json', tasks.json)
export const download = answerWith('download', tasks.download)
export const upload = answerWith('upload', tasks.upload)
export const sha512 = answerWith('sha512', tasks.sha512)
export const wait = answerWith('wait', tasks.wait)

/** A GET has no body to wait for, and a task that is done at once is answered at once. Who leaves gets no answer. */
export function answerWith(name, task) {
  const contentType = CONTENT_TYPES[name] ?? 'text/plain'
  return async (request, response) => {
    const body = request.method === 'GET' ? null : (request.rawBody ?? (await readBody(request)))
    if (body === undefined) return
    const result = task(body)
    response.setHeader('content-type', contentType)
    response.end(result instanceof Promise ? await result : result)
  }
}

/** undefined: the caller has left before its end, as load generators do when their time is over. */
function readBody(request) {
  return new Promise((resolve) => {
    const chunks = []
    request.on('data', (chunk) => chunks.push(chunk))
    request.on('end', () => resolve(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)))
    request.on('error', () => resolve(undefined))
  })
}
