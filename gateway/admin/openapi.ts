/** The admin address as an OpenAPI 3.1 description, made of the same table and schemas that it works by. */
import { packageVersion } from '../version.ts'
import { jsonSchemaOf, problemAnswer } from './api-schemas.ts'
import { OPERATIONS, type Operation } from './operations.ts'

export function openApi(): object {
  const paths: Record<string, Record<string, object>> = {}
  for (const [id, operation] of Object.entries(OPERATIONS) as [string, Operation][]) {
    const path = operation.path.replace(/:([a-z]+)/g, '{$1}')
    paths[path] = { ...paths[path], [operation.method]: described(id, operation) }
  }
  return {
    openapi: '3.1.0',
    info: { title: 'wrangler-free admin API', version: packageVersion() },
    paths,
    components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
  }
}

function described(operationId: string, { path, scope, does, body, query = {}, status, answer }: Operation): object {
  const inPath = [...path.matchAll(/:([a-z]+)/g)].map(([, name]) => parameter(name!, 'path', true, ''))
  const inQuery = Object.entries(query).map(([name, what]) => parameter(name, 'query', false, what))
  return {
    operationId,
    summary: does,
    ...(scope === null
      ? { security: [] }
      : { description: `Wants a token of scope \`${scope}\`.`, security: [{ token: [] }] }),
    parameters: [...inPath, ...inQuery],
    ...(body === null ? {} : { requestBody: { required: true, content: contentOf(body) } }),
    responses: {
      [status]: { description: 'Done', content: { 'application/json': { schema: jsonSchemaOf(answer, 'output') } } },
      default: {
        description: 'A problem document (RFC 9457)',
        content: { 'application/problem+json': { schema: jsonSchemaOf(problemAnswer, 'output') } },
      },
    },
  }
}

function contentOf(body: NonNullable<Operation['body']>): object {
  if (!('types' in body)) return { 'application/json': { schema: jsonSchemaOf(body, 'input') } }
  const schema = { type: 'string', format: 'binary', description: body.does }
  return Object.fromEntries(body.types.map((type) => [type, { schema }]))
}

function parameter(name: string, place: 'path' | 'query', required: boolean, description: string): object {
  return { name, in: place, required, schema: { type: 'string' }, ...(description === '' ? {} : { description }) }
}
