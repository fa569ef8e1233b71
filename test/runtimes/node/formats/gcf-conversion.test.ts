/** Events of Google's two generations, each as the other: one example a service, by the names that both have for it. */
import { expect, test } from 'vitest'
import {
  cloudEventOfLegacy,
  legacyOfCloudEvent,
  legacyOfPush,
} from '../../../../warmpool/runtimes/node/formats/gcf-conversion.ts'

type Attributes = Record<string, unknown>

interface Pair {
  readonly what: string
  /** What the older kind has besides id and time. */
  readonly legacy: { readonly eventType: string; readonly resource: unknown; readonly data: unknown } & Attributes
  readonly event: { readonly type: string; readonly source: string; readonly subject?: string; readonly data: unknown }
  /** It comes in this form only. */
  readonly isOneWay?: true
}

const TIMES = { eventId: 'id-1', timestamp: '2026-01-02T03:04:05.678Z' }
const IDS = { specversion: '1.0', id: 'id-1', time: '2026-01-02T03:04:05.678Z', datacontenttype: 'application/json' }
const MESSAGE = { '@type': 'type.googleapis.com/google.pubsub.v1.PubsubMessage', data: 'aGk=', attributes: { a: 'b' } }
const TOPIC = 'projects/p/topics/t'
const PUBLISHED = {
  type: 'google.cloud.pubsub.topic.v1.messagePublished',
  source: `//pubsub.googleapis.com/${TOPIC}`,
  data: { message: { ...MESSAGE, publishTime: TIMES.timestamp, messageId: 'id-1' } },
}

const PAIRS: readonly Pair[] = [
  {
    what: 'Pub/Sub',
    legacy: {
      eventType: 'google.pubsub.topic.publish',
      resource: { service: 'pubsub.googleapis.com', name: TOPIC, type: MESSAGE['@type'] },
      data: MESSAGE,
    },
    event: PUBLISHED,
  },
  {
    what: 'Pub/Sub by its oldest name',
    legacy: { eventType: 'providers/cloud.pubsub/eventTypes/topic.publish', resource: TOPIC, data: MESSAGE },
    event: PUBLISHED,
    isOneWay: true,
  },
  ...(['finalize', 'delete', 'archive', 'metadataUpdate'] as const).map((name, at) => ({
    what: `Storage, ${name}`,
    legacy: {
      eventType: `google.storage.object.${name}`,
      resource: {
        service: 'storage.googleapis.com',
        name: 'projects/_/buckets/b/objects/a/c.txt',
        type: 'storage#object',
      },
      data: { kind: 'storage#object', name: 'a/c.txt' },
    },
    event: {
      type: `google.cloud.storage.object.v1.${['finalized', 'deleted', 'archived', 'metadataUpdated'][at]}`,
      source: '//storage.googleapis.com/projects/_/buckets/b',
      subject: 'objects/a/c.txt',
      data: { kind: 'storage#object', name: 'a/c.txt' },
    },
  })),
  ...(['write', 'create', 'update', 'delete'] as const).map((name, at) => ({
    what: `Firestore, ${name}, of a database with a name`,
    legacy: {
      eventType: `providers/cloud.firestore/eventTypes/document.${name}`,
      resource: 'projects/p/databases/mine/documents/c/d',
      data: { value: {} },
    },
    event: {
      type: `google.cloud.firestore.document.v1.${['written', 'created', 'updated', 'deleted'][at]}`,
      source: '//firestore.googleapis.com/projects/p/databases/mine',
      subject: 'documents/c/d',
      data: { value: {} },
    },
  })),
  {
    what: 'Firebase Auth, whose data has other names',
    legacy: {
      eventType: 'providers/firebase.auth/eventTypes/user.create',
      resource: 'projects/p',
      data: { uid: 'u1', metadata: { createdAt: '1', lastSignedInAt: '2', other: '3' } },
    },
    event: {
      type: 'google.firebase.auth.user.v1.created',
      source: '//firebaseauth.googleapis.com/projects/p',
      subject: 'users/u1',
      data: { uid: 'u1', metadata: { createTime: '1', lastSignInTime: '2', other: '3' } },
    },
  },
  ...(
    [
      ['firebaseio.com', 'us-central1'],
      ['europe-west1.firebasedatabase.app', 'europe-west1'],
    ] as const
  ).map(([domain, location]) => ({
    what: `Firebase Database in ${location}`,
    legacy: {
      eventType: 'providers/google.firebase.database/eventTypes/ref.write',
      resource: 'projects/_/instances/i/refs/a/b',
      data: { data: null, delta: 1 },
      domain,
    },
    event: {
      type: 'google.firebase.database.ref.v1.written',
      source: `//firebasedatabase.googleapis.com/projects/_/locations/${location}/instances/i`,
      subject: 'refs/a/b',
      data: { data: null, delta: 1 },
    },
  })),
  {
    what: 'Firebase Analytics',
    legacy: {
      eventType: 'providers/google.firebase.analytics/eventTypes/event.log',
      resource: 'projects/p/events/opened',
      data: {},
    },
    event: {
      type: 'google.firebase.analytics.log.v1.written',
      source: '//firebase.googleapis.com/projects/p',
      subject: 'events/opened',
      data: {},
    },
  },
  {
    what: 'Firebase Remote Config',
    legacy: { eventType: 'google.firebase.remoteconfig.update', resource: 'projects/p', data: { v: 1 } },
    event: {
      type: 'google.firebase.remoteconfig.remoteConfig.v1.updated',
      source: '//firebaseremoteconfig.googleapis.com/projects/p',
      data: { v: 1 },
    },
  },
]

test.each(PAIRS)('$what', ({ legacy, event, isOneWay }) => {
  const { data, eventType, resource, ...besides } = legacy
  const context = { ...TIMES, eventType, resource }
  const whole = { ...IDS, ...event }
  expect(cloudEventOfLegacy({ context, data, ...besides })).toEqual(whole)
  expect(cloudEventOfLegacy({ ...context, data, ...besides })).toEqual(whole)
  if (isOneWay !== true) expect(legacyOfCloudEvent(whole)).toEqual([data, context])
})

test('neither the event that came nor its data is changed', () => {
  const event = Object.freeze({ ...IDS, ...PUBLISHED, data: Object.freeze({ message: Object.freeze({ ...MESSAGE }) }) })
  legacyOfCloudEvent(event)
  const legacy = { eventType: 'google.pubsub.topic.publish', resource: TOPIC, data: Object.freeze({ ...MESSAGE }) }
  cloudEventOfLegacy(Object.freeze({ ...TIMES, ...legacy }))
})

test('what is no event of the other kind is said to be none, and one that is broken is refused', () => {
  expect(cloudEventOfLegacy({ eventType: 'toString', resource: 'x', data: {} })).toBeNull()
  expect(cloudEventOfLegacy('text')).toBeNull()
  expect(legacyOfCloudEvent({ ...IDS, type: 'com.example.thing', source: '/x' })).toBeNull()
  expect(() => legacyOfCloudEvent({ ...IDS, ...PUBLISHED, source: 'here' })).toThrow('must be like //SERVICE/RESOURCE')
  const storage = { ...TIMES, eventType: 'google.storage.object.delete', resource: 'projects/_/buckets/b', data: {} }
  expect(() => cloudEventOfLegacy(storage)).toThrow('which is none of storage.googleapis.com')
  const database = { ...TIMES, eventType: 'providers/google.firebase.database/eventTypes/ref.write' }
  const resource = 'projects/_/instances/i/refs/a'
  expect(() => cloudEventOfLegacy({ ...database, resource, data: {} })).toThrow('names no location')
})

test('a Pub/Sub push is an event of the first generation, whose topic the path may name', () => {
  const body = {
    subscription: 'projects/p/subscriptions/s',
    message: { data: 'aGk=', messageId: '9', publishTime: 't' },
  }
  const found = legacyOfPush(body, `/fn/${TOPIC}`, 0)
  expect(found).toMatchObject({
    context: { eventId: '9', timestamp: 't', resource: { name: TOPIC } },
    data: { data: 'aGk=' },
  })
  expect(legacyOfPush({ message: body.message }, '/', 0)).toBeNull()
})
