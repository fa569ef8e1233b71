/**
 * Events of Google's first generation (a `context` and `data`) as CloudEvents, and the other way round: a function of
 * either kind gets what it is written for, whichever kind arrives. The table holds what the two call the same event.
 */
import { UnreadableBody } from '../reqres/body-parsing.ts'

type Attributes = Record<string, unknown>

/** What is particular to the events of one service. */
interface Service {
  readonly host: string
  /** Takes a resource's name apart: what goes into the source, and what is the subject. */
  readonly resource?: RegExp
  /** What both kinds call an event: the CloudEvent's type, and the older one. */
  readonly types: readonly (readonly [type: string, eventType: string])[]
  /** Older names of one of these events. */
  readonly older?: Readonly<Record<string, string>>
  toCloudEvent?(event: Attributes, legacy: Attributes): void
  /** Returns the context's resource; may put other data into `event`. */
  toLegacy?(event: Attributes, name: string, subject: string): unknown
}

const PUBSUB_TYPE = 'type.googleapis.com/google.pubsub.v1.PubsubMessage'
const MESSAGE_PUBLISHED = 'google.cloud.pubsub.topic.v1.messagePublished'
const USUAL_LOCATION = 'us-central1'

function typesOf(prefix: string, older: string, names: Readonly<Record<string, string>>): Service['types'] {
  return Object.entries(names).map(([name, olderName]) => [`${prefix}.v1.${name}`, `${older}${olderName}`])
}

const SERVICES: readonly Service[] = [
  {
    host: 'pubsub.googleapis.com',
    types: [[MESSAGE_PUBLISHED, 'google.pubsub.topic.publish']],
    older: { 'providers/cloud.pubsub/eventTypes/topic.publish': MESSAGE_PUBLISHED },
    toCloudEvent(event) {
      const message = { ...asRecord(event.data) }
      message.publishTime ??= event.time
      message.messageId ??= event.id
      event.data = { message }
    },
    toLegacy(event, name) {
      const data = asRecord(event.data)
      const { messageId: _id, publishTime: _time, ...message } = asRecord(data.message ?? data)
      event.data = message
      return { service: this.host, name, type: PUBSUB_TYPE }
    },
  },
  {
    host: 'storage.googleapis.com',
    resource: /^(projects\/[^/]+\/buckets\/[^/]+)\/(objects\/.+)$/,
    types: typesOf('google.cloud.storage.object', 'google.storage.object.', {
      finalized: 'finalize',
      deleted: 'delete',
      archived: 'archive',
      metadataUpdated: 'metadataUpdate',
    }),
    older: {
      'providers/cloud.storage/eventTypes/object.change': 'google.cloud.storage.object.v1.finalized',
    },
    toLegacy(event, name, subject) {
      return { service: this.host, name: `${name}/${subject}`, type: asRecord(event.data).kind }
    },
  },
  {
    host: 'firestore.googleapis.com',
    resource: /^(projects\/[^/]+\/databases\/[^/]+)\/(documents\/.+)$/,
    types: typesOf('google.cloud.firestore.document', 'providers/cloud.firestore/eventTypes/document.', {
      written: 'write',
      created: 'create',
      updated: 'update',
      deleted: 'delete',
    }),
  },
  {
    host: 'firebaseauth.googleapis.com',
    types: typesOf('google.firebase.auth.user', 'providers/firebase.auth/eventTypes/user.', {
      created: 'create',
      deleted: 'delete',
    }),
    toCloudEvent(event) {
      const data = renamed(event.data, { createdAt: 'createTime', lastSignedInAt: 'lastSignInTime' })
      event.data = data
      if (typeof data.uid === 'string') event.subject = `users/${data.uid}`
    },
    toLegacy(event, name) {
      event.data = renamed(event.data, { createTime: 'createdAt', lastSignInTime: 'lastSignedInAt' })
      return name
    },
  },
  {
    host: 'firebasedatabase.googleapis.com',
    resource: /^(projects\/[^/]+\/instances\/[^/]+)\/(refs\/.+)$/,
    types: typesOf('google.firebase.database.ref', 'providers/google.firebase.database/eventTypes/ref.', {
      created: 'create',
      written: 'write',
      updated: 'update',
      deleted: 'delete',
    }),
    toCloudEvent(event, { domain }) {
      const location = domain === 'firebaseio.com' ? USUAL_LOCATION : locationOf(domain)
      if (location === null)
        throw new UnreadableBody(
          `The event's domain is ${JSON.stringify(domain)}, and names no location of a Firebase database.`,
        )
      event.source = String(event.source).replace(/\/projects\/[^/]+\//, `/projects/_/locations/${location}/`)
    },
    toLegacy: (_event, name, subject) => `${name.replace(/\/locations\/[^/]+/, '')}/${subject}`,
  },
  {
    host: 'firebase.googleapis.com',
    resource: /^(projects\/[^/]+)\/(events\/[^/]+)$/,
    types: [['google.firebase.analytics.log.v1.written', 'providers/google.firebase.analytics/eventTypes/event.log']],
  },
  {
    host: 'firebaseremoteconfig.googleapis.com',
    types: [['google.firebase.remoteconfig.remoteConfig.v1.updated', 'google.firebase.remoteconfig.update']],
    toLegacy: (_event, name) => name,
  },
]

interface Known {
  readonly service: Service
  readonly type: string
  readonly eventType: string
}

const BY_TYPE = new Map<string, Known>()
const BY_EVENT_TYPE = new Map<string, Known>()
for (const service of SERVICES) {
  for (const [type, eventType] of service.types) {
    const known = { service, type, eventType }
    BY_TYPE.set(type, known)
    BY_EVENT_TYPE.set(eventType, known)
  }
  for (const [eventType, type] of Object.entries(service.older ?? {}))
    BY_EVENT_TYPE.set(eventType, { service, type, eventType })
}

/** The CloudEvent that such a body is; null: it is no event of the first generation. Throws {@link UnreadableBody}. */
export function cloudEventOfLegacy(body: unknown): Attributes | null {
  const legacy = asRecord(body)
  const context = asRecord(legacy.context ?? legacy)
  const known = BY_EVENT_TYPE.get(String(context.eventType))
  if (known === undefined || !('data' in legacy) || context.resource === undefined) return null
  const { service, type } = known
  const stated = asRecord(context.resource)
  const resource = typeof context.resource === 'string' ? context.resource : String(stated.name ?? '')
  const parts = service.resource === undefined ? [resource, resource] : service.resource.exec(resource)
  if (parts === null)
    throw new UnreadableBody(`The event's resource is ${JSON.stringify(resource)}, which is none of ${service.host}.`)
  const [, name, subject] = parts
  const event: Attributes = {
    specversion: '1.0',
    id: context.eventId,
    type,
    time: context.timestamp,
    datacontenttype: 'application/json',
    source: `//${service.host}/${name}`,
    data: legacy.data,
  }
  if (subject !== undefined) event.subject = subject
  service.toCloudEvent?.(event, legacy)
  return event
}

/** What a function of the first generation gets of a CloudEvent; null: that generation has no such event. */
export function legacyOfCloudEvent(event: Attributes): [data: unknown, context: Attributes] | null {
  const known = BY_TYPE.get(String(event.type))
  if (known === undefined) return null
  const name = /^\/\/[^/]+\/(.+)$/.exec(String(event.source))?.[1]
  if (name === undefined)
    throw new UnreadableBody(
      `The event's source is ${JSON.stringify(event.source)}, and must be like //SERVICE/RESOURCE.`,
    )
  const copy = { ...event }
  const { service, eventType } = known
  const subject = String(event.subject ?? '')
  const resource = service.toLegacy === undefined ? `${name}/${subject}` : service.toLegacy(copy, name, subject)
  return [copy.data, { eventId: event.id, timestamp: event.time, eventType, resource }]
}

/** The event in what a Pub/Sub push subscription sends; null: it is none. The path may name the topic. */
export function legacyOfPush(body: unknown, path: string, nowMs: number): Attributes | null {
  const { message: sent, subscription, context } = asRecord(body)
  const message = asRecord(sent)
  if (context !== undefined || typeof subscription !== 'string' || message.messageId === undefined) return null
  const name = /projects\/[^/?]+\/topics\/[^/?]+/.exec(path)?.[0] ?? null
  return {
    context: {
      eventId: message.messageId,
      timestamp: message.publishTime ?? new Date(nowMs).toISOString(),
      eventType: 'google.pubsub.topic.publish',
      resource: { service: 'pubsub.googleapis.com', type: PUBSUB_TYPE, name },
    },
    data: { '@type': PUBSUB_TYPE, data: message.data, attributes: message.attributes ?? {} },
  }
}

function locationOf(domain: unknown): string | null {
  return /^([\w-]+)\.firebasedatabase\.app$/.exec(String(domain))?.[1] ?? null
}

/** The data with other names for some of what its `metadata` holds. */
function renamed(data: unknown, names: Readonly<Record<string, string>>): Attributes {
  const { metadata, ...rest } = asRecord(data)
  if (metadata === undefined) return rest
  const entries = Object.entries(asRecord(metadata)).map(([name, value]) => [names[name] ?? name, value])
  return { ...rest, metadata: Object.fromEntries(entries) }
}

function asRecord(value: unknown): Attributes {
  return typeof value === 'object' && value !== null ? (value as Attributes) : {}
}
