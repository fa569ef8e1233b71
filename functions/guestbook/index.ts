// A guestbook: a whole Hono application as one function, with routes, a form and a cookie that remembers your name.
//
// A worker's memory is not a database. Entries live in this process: each worker has a book of its own, and the book is
// gone when its worker is recycled. That does for a demonstration or a cache, and for nothing that anybody would miss.
//
// Mounted at /guestbook/, the application sees '/' and does not know its own address. So links, forms, redirects and
// the cookie name no path: each is relative to the page, and the guestbook works wherever it is mounted.

import { type Context, Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { deleteCookie, getCookie, setCookie } from 'hono/cookie'
import { type Entry, page } from './page.ts'

const MAX_BODY_BYTES = 16 * 1024
const MAX_ENTRIES = 100
const MAX_NAME_LENGTH = 60
const MAX_MESSAGE_LENGTH = 500

const NAME_COOKIE = 'guestbook_name'
const THIRTY_DAYS_SECONDS = 30 * 24 * 60 * 60

const entries: Entry[] = []
let lastId = 0

const app = new Hono()

app.get('/', (c) => show(c))

app.get('/entries', (c) => c.json(entries))

app.get('/entries/:id{[0-9]+}', (c) => {
  const id = Number(c.req.param('id'))
  const entry = entries.find((candidate) => candidate.id === id)
  return entry ? c.json(entry) : c.json({ error: `This worker has no entry ${id}.` }, 404)
})

const limit = bodyLimit({
  maxSize: MAX_BODY_BYTES,
  onError: (c) => c.text(`Send at most ${MAX_BODY_BYTES / 1024} KiB.\n`, 413),
})

app.post('/', limit, async (c) => {
  // A body that is no form, or a broken one, is a form in which nothing was filled in.
  const form: Record<string, unknown> = await c.req.parseBody().catch(() => ({}))
  if ('forget' in form) {
    deleteCookie(c, NAME_COOKIE, { path: undefined })
    return backToThePage(c)
  }
  const name = textFrom(form, 'name')
  const message = textFrom(form, 'message')
  if (!name || name.length > MAX_NAME_LENGTH) return show(c, `Give a name of 1 to ${MAX_NAME_LENGTH} characters.`)
  if (!message || message.length > MAX_MESSAGE_LENGTH) {
    return show(c, `Write a message of 1 to ${MAX_MESSAGE_LENGTH} characters.`)
  }
  sign(name, message)
  setCookie(c, NAME_COOKIE, name, {
    // Hono would say '/': every other function under this host would then be sent the cookie.
    path: undefined,
    httpOnly: true,
    sameSite: 'Lax',
    maxAge: THIRTY_DAYS_SECONDS,
  })
  return backToThePage(c)
})

function sign(name: string, message: string): void {
  lastId += 1
  entries.push({ id: lastId, name, message, at: new Date().toISOString() })
  if (entries.length > MAX_ENTRIES) entries.shift()
}

function show(c: Context, mistake?: string): Response | Promise<Response> {
  const order = c.req.query('order') === 'oldest' ? 'oldest' : 'newest'
  const listed = order === 'oldest' ? entries : entries.toReversed()
  return c.html(page({ entries: listed, order, name: getCookie(c, NAME_COOKIE), mistake }), mistake ? 400 : 200)
}

/** 303 makes the browser GET the page, so that a reload does not sign twice; '?' is this address, less its query. */
function backToThePage(c: Context): Response {
  return c.redirect('?', 303)
}

function textFrom(form: Record<string, unknown>, field: string): string {
  const value = form[field]
  return typeof value === 'string' ? value.trim() : ''
}

export default app
