/**
 * What other servers are tested with, as requests of our own: the behaviours of gunicorn's tests/requests, of llhttp's
 * and of Http11Probe's lists, each sent whole and byte by byte to a real gateway, with another request behind it.
 */
import { setImmediate } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { type Case, LAST } from './corpus/case.ts'
import { FIELDS } from './corpus/fields.ts'
import { FRAMING } from './corpus/framing.ts'
import { REQUEST_LINES } from './corpus/request-line.ts'
import { shareGateway } from './gateway-under-test.ts'

/** Notes every call but the one that asks for the notes, once its body is whole; and counts all of them. */
const NOTES = `
let begun = 0
let notes = []
export default {
  async fetch(request) {
    const { pathname } = new URL(request.url)
    if (pathname === '/notes') {
      const answer = Response.json({ begun, notes })
      begun = 0
      notes = []
      return answer
    }
    begun++
    if (pathname === '/unread') notes.push(request.method + ' ' + pathname)
    else notes.push(request.method + ' ' + pathname + ' ' + await request.text())
    return new Response('ok')
  },
}
`
const gateway = shareGateway({
  functions: { notes: NOTES },
  config: { limits: { body: '100KiB' }, overrides: { notes: { minWorkers: 1, maxWorkers: 1 } } },
})
const LAST_NOTE = 'GET /last '

/** `begun` counts those too whose body never ended. */
async function notes(): Promise<{ begun: number; notes: string[] }> {
  return (await (await gateway().fetch('/notes/notes')).json()) as { begun: number; notes: string[] }
}

async function answersTo(bytes: string, isWhole: boolean): Promise<string> {
  const connection = await gateway().connect()
  if (isWhole) connection.send(bytes)
  else
    for (const byte of bytes) {
      connection.send(byte)
      await setImmediate()
    }
  return connection.rest()
}

function statusesIn(answers: string): number[] {
  return [...answers.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status))
}

async function expectCase({ name, bytes, answers, reached, why }: Case, isWhole: boolean): Promise<void> {
  const got = await answersTo(bytes + LAST, isWhole)
  const what = `${name} (${why})\n${got}`
  expect(statusesIn(got), what).toEqual(answers)
  const last = got.slice(got.search(/HTTP\/1\.1 \d{3} (?!.*HTTP\/1\.1 \d{3} )/s))
  expect(last, what).toMatch(/\r\nconnection: close\r\n/)
  if (answers.at(-1) === 400) expect(last, what).toContain('"code":"malformed-request","fault":"caller"')
  const seen = await notes()
  if (reached === 'cut') {
    expect(seen.notes, what).toEqual([])
    return
  }
  const goesOn = answers.at(-1) === 200 && answers.length > (reached === 'refused' ? 0 : reached.length)
  const expected = [...(reached === 'refused' ? [] : reached), ...(goesOn ? [LAST_NOTE] : [])]
  expect(seen.notes.sort(), what).toEqual(expected.sort())
  expect(seen.begun, what).toBe(expected.length)
}

const ALL = [...REQUEST_LINES, ...FIELDS, ...FRAMING]

test.for(ALL.map((one) => [`${one.answers.join(', ')}: ${one.name}`, one] as const))('whole: %s', ([, one]) =>
  expectCase(one, true),
)

test.for(ALL.map((one) => [`${one.answers.join(', ')}: ${one.name}`, one] as const))('byte by byte: %s', ([, one]) =>
  expectCase(one, false),
)
