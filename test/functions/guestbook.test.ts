import { beforeEach, describe, expect, test, vi } from 'vitest'
import type { Entry } from '../../functions/guestbook/page.ts'

type Guestbook = typeof import('../../functions/guestbook/index.ts').default
let guestbook: Guestbook

// Each test has a book of its own, as each worker has.
beforeEach(async () => {
  vi.resetModules()
  guestbook = (await import('../../functions/guestbook/index.ts')).default
})

async function get(path = '', headers: Record<string, string> = {}): Promise<Response> {
  return guestbook.fetch(new Request(`http://localhost/${path}`, { headers }))
}

async function post(fields: Record<string, string>, headers: Record<string, string> = {}): Promise<Response> {
  const body = new URLSearchParams(fields)
  return guestbook.fetch(new Request('http://localhost/', { method: 'POST', body, headers }))
}

async function entries(): Promise<Entry[]> {
  return (await (await get('entries')).json()) as Entry[]
}

describe('signing', () => {
  test('adds an entry and leads back to the page', async () => {
    const response = await post({ name: ' Ada ', message: 'Hello' })
    expect(response.status).toBe(303)
    expect(await entries()).toEqual([{ id: 1, name: 'Ada', message: 'Hello', at: expect.any(String) }])
    expect(await (await get()).text()).toContain('<li><b>Ada</b>')
  })

  test('works with a multipart form too', async () => {
    const body = new FormData()
    body.set('name', 'Ada')
    body.set('message', 'Hello')
    await guestbook.fetch(new Request('http://localhost/', { method: 'POST', body }))
    expect(await entries()).toHaveLength(1)
  })

  test('escapes what visitors write, in the entries, the form and the cookie’s name', async () => {
    await post({ name: '<b>"Eve"', message: '<script>alert(1)</script>' })
    const html = await (await get('', { cookie: `guestbook_name=${encodeURIComponent('"><i>')}` })).text()
    expect(html).toContain('<b>&lt;b&gt;&quot;Eve&quot;</b>')
    expect(html).toContain('&lt;script&gt;alert(1)&lt;/script&gt;')
    expect(html).toContain('value="&quot;&gt;&lt;i&gt;"')
    expect(html).not.toMatch(/<script|<i>/)
  })

  test.each([
    ['no name', { message: 'm' }, 'Give a name of 1 to 60 characters.'],
    ['a name of spaces', { name: '  ', message: 'm' }, 'Give a name of 1 to 60 characters.'],
    ['a long name', { name: 'n'.repeat(61), message: 'm' }, 'Give a name of 1 to 60 characters.'],
    ['no message', { name: 'n' }, 'Write a message of 1 to 500 characters.'],
    ['a long message', { name: 'n', message: 'm'.repeat(501) }, 'Write a message of 1 to 500 characters.'],
  ])('is refused on the page with 400 for %s', async (_what, fields: Record<string, string>, mistake) => {
    const response = await post(fields)
    expect(response.status).toBe(400)
    expect(response.headers.get('set-cookie')).toBeNull()
    expect(await response.text()).toContain(`<p role="alert">${mistake}</p>`)
    expect(await entries()).toEqual([])
  })

  test.each([
    ['no form', 'application/json', '{"name":"n"}'],
    ['a broken form', 'multipart/form-data; boundary=b', '--b\r\nContent'],
  ])('is refused with 400 for a body that is %s', async (_what, type, body) => {
    const headers = { 'content-type': type }
    const response = await guestbook.fetch(new Request('http://localhost/', { method: 'POST', body, headers }))
    expect(response.status).toBe(400)
  })

  test('is refused with 413 for a body over 16 KiB, declared or streamed', async () => {
    const declared = await post({ name: 'n', message: 'm' }, { 'content-length': '16385' })
    expect(declared.status).toBe(413)
    const body = new Blob(['name=n&message=', 'm'.repeat(20_000)]).stream()
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const init: RequestInit = { method: 'POST', body, headers, duplex: 'half' }
    const streamed = await guestbook.fetch(new Request('http://localhost/', init))
    expect(streamed.status).toBe(413)
    expect(await streamed.text()).toBe('Send at most 16 KiB.\n')
  })
})

describe('the cookie', () => {
  test('remembers the name, for this page alone and out of reach of scripts', async () => {
    const response = await post({ name: 'Zoë', message: 'm' })
    const cookie = response.headers.get('set-cookie')!
    expect(cookie).toBe('guestbook_name=Zo%C3%AB; Max-Age=2592000; HttpOnly; SameSite=Lax')
    const html = await (await get('', { cookie: cookie.split(';')[0]! })).text()
    expect(html).toContain('name="name" value="Zoë"')
    expect(html).toContain('Forget that I am Zoë')
  })

  test('is forgotten on demand', async () => {
    const response = await post({ forget: 'yes' }, { cookie: 'guestbook_name=Ada' })
    expect(response.status).toBe(303)
    expect(response.headers.get('set-cookie')).toBe('guestbook_name=; Max-Age=0')
    expect(await entries()).toEqual([])
  })

  test('is not needed: a stranger gets an empty form', async () => {
    const html = await (await get()).text()
    expect(html).toContain('name="name" value=""')
    expect(html).not.toContain('Forget')
  })
})

describe('the book', () => {
  test('shows the newest first, or the oldest', async () => {
    await post({ name: 'a', message: 'first' })
    await post({ name: 'a', message: 'second' })
    const order = async (query: string) => (await (await get(query)).text()).match(/first(?=<\/li>)|second(?=<\/li>)/g)
    expect(await order('')).toEqual(['second', 'first'])
    expect(await order('?order=oldest')).toEqual(['first', 'second'])
  })

  test('keeps its last hundred entries', async () => {
    for (let i = 1; i <= 101; i += 1) await post({ name: 'n', message: `m${i}` })
    const kept = await entries()
    expect(kept).toHaveLength(100)
    expect(kept.map(({ id }) => id).slice(0, 2)).toEqual([2, 3])
  })

  test('has a route an entry, and 404 for one that is not there', async () => {
    await post({ name: 'Ada', message: 'Hello' })
    expect(await (await get('entries/1')).json()).toMatchObject({ id: 1, name: 'Ada' })
    const missing = await get('entries/2')
    expect(missing.status).toBe(404)
    expect(await missing.json()).toEqual({ error: 'This worker has no entry 2.' })
    expect((await get('entries/ada')).status).toBe(404)
  })
})

describe('under a mount', () => {
  test.each(['http://host/guestbook', 'http://host/guestbook/'])(
    'a signature at %s leads back there',
    async (address) => {
      const location = (await post({ name: 'Ada', message: 'Hello' })).headers.get('location')!
      expect(new URL(location, address).href).toBe(`${address}?`)
    },
  )

  test('no form, link or cookie names a path', async () => {
    const signed = await post({ name: 'Ada', message: 'Hello' })
    const html = await (await get('', { cookie: 'guestbook_name=Ada' })).text()
    expect(signed.headers.get('set-cookie')).not.toMatch(/path=/i)
    expect(html).not.toMatch(/action=/)
    expect([...html.matchAll(/(?:href|src)="([^"]*)"/g)].map((match) => match[1])).toEqual(['?order=oldest'])
  })
})
