/** The event in a request to a Google function: a CloudEvent in binary or structured mode, or a background event. */
import { UnreadableBody } from '../reqres/body-parsing.ts'
import type { GoogleRequest } from '../reqres/google-request.ts'

type Attributes = Record<string, unknown>

const REQUIRED = ['type', 'specversion', 'source', 'id'] as const

/** Throws {@link UnreadableBody} when there is none. */
export function cloudEventIn(req: GoogleRequest): Attributes {
  const { headers } = req
  const isBinary = REQUIRED.every((name) => headers[`ce-${name}`] !== undefined)
  const event = isBinary ? { ...attributesIn(headers), data: req.body } : structured(req.body)
  return headers.traceparent === undefined ? event : { ...event, traceparent: headers.traceparent }
}

function attributesIn(headers: GoogleRequest['headers']): Attributes {
  const attributes: Attributes = {}
  for (const [name, value] of Object.entries(headers)) if (name.startsWith('ce-')) attributes[name.slice(3)] = value
  const type = headers['content-type']
  return type === undefined ? attributes : { datacontenttype: type, ...attributes }
}

function structured(body: unknown): Attributes {
  if (isRecord(body) && REQUIRED.every((name) => body[name] !== undefined)) return body
  const needed = REQUIRED.map((name) => `ce-${name}`).join(', ')
  throw new UnreadableBody(
    `This is no CloudEvent: give its attributes as headers (${needed}), or the whole event as JSON of the type application/cloudevents+json.`,
  )
}

/** What a function of the first generation gets: the data, and what is known of it. */
export function backgroundEventIn({ body }: GoogleRequest): [data: unknown, context: unknown] {
  if (!isRecord(body)) throw new UnreadableBody('This is no event: its body is not a JSON object.')
  const { data, context, ...rest } = body
  return [data, context ?? rest]
}

function isRecord(value: unknown): value is Attributes {
  return typeof value === 'object' && value !== null && !(value instanceof Uint8Array)
}
