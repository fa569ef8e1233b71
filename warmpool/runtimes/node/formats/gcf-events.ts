/**
 * The event in a request to a Google function: a CloudEvent in binary or structured mode, or an event of the first
 * generation. Each is made into the kind that the function is written for.
 */
import { UnreadableBody } from '../reqres/body-parsing.ts'
import type { GoogleRequest } from '../reqres/google-request.ts'
import { cloudEventOfLegacy, legacyOfCloudEvent, legacyOfPush } from './gcf-conversion.ts'

type Attributes = Record<string, unknown>

const REQUIRED = ['type', 'specversion', 'source', 'id'] as const
const NO_CLOUD_EVENT = `This is no CloudEvent: give its attributes as headers (${REQUIRED.map((name) => `ce-${name}`).join(', ')}), or the whole event as JSON of the type application/cloudevents+json.`

/** Throws {@link UnreadableBody} when there is none. */
export function cloudEventIn(req: GoogleRequest): Attributes {
  const { headers } = req
  const event = isBinary(req)
    ? { ...attributesIn(headers), data: req.body }
    : (structured(req.body) ?? cloudEventOfLegacy(pushed(req) ?? req.body))
  if (event === null) throw new UnreadableBody(NO_CLOUD_EVENT)
  return headers.traceparent === undefined ? event : { ...event, traceparent: headers.traceparent }
}

function attributesIn(headers: GoogleRequest['headers']): Attributes {
  const attributes: Attributes = {}
  for (const [name, value] of Object.entries(headers)) if (name.startsWith('ce-')) attributes[name.slice(3)] = value
  const type = headers['content-type']
  return type === undefined ? attributes : { datacontenttype: type, ...attributes }
}

function isBinary({ headers }: GoogleRequest): boolean {
  return REQUIRED.every((name) => headers[`ce-${name}`] !== undefined)
}

function structured(body: unknown): Attributes | null {
  return isRecord(body) && REQUIRED.every((name) => body[name] !== undefined) ? body : null
}

function pushed({ body, path }: GoogleRequest): Attributes | null {
  return legacyOfPush(body, path, Date.now())
}

/** What a function of the first generation gets: the data, and what is known of it. */
export function backgroundEventIn(req: GoogleRequest): [data: unknown, context: unknown] {
  const cloudEvent = isBinary(req) ? { ...attributesIn(req.headers), data: req.body } : structured(req.body)
  if (cloudEvent !== null) {
    const { data, ...context } = cloudEvent
    return legacyOfCloudEvent(cloudEvent) ?? [data, context]
  }
  const body = pushed(req) ?? req.body
  if (!isRecord(body)) throw new UnreadableBody('This is no event: its body is not a JSON object.')
  const { data, context, ...rest } = body
  return [data, context ?? rest]
}

function isRecord(value: unknown): value is Attributes {
  return typeof value === 'object' && value !== null && !(value instanceof Uint8Array)
}
