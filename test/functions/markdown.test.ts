import { describe, expect, test } from 'vitest'
import { GET, POST } from '../../functions/markdown/index.ts'

function post(body: RequestInit['body'], headers: Record<string, string> = {}): Promise<Response> {
  return POST(new Request('http://localhost/', { method: 'POST', body, headers }))
}

async function contentOf(markdown: string): Promise<string> {
  const html = await (await post(markdown)).text()
  return /<body>\n([\s\S]*)\n<\/body>/.exec(html)![1]!.trim()
}

describe('the page', () => {
  test('is the template of the function’s own folder, filled in', async () => {
    const response = await post('# A *warm* pool\n\ntext')
    const html = await response.text()
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(html).toMatch(/^<!doctype html>/)
    expect(html).toContain('<title>A *warm* pool</title>')
    expect(html).toContain('<h1>A <em>warm</em> pool</h1>\n<p>text</p>')
    expect(html).not.toMatch(/\{\{\w+\}\}/)
  })

  test('escapes the title, and has one without a heading', async () => {
    expect(await (await post('# </title><script>x')).text()).toContain('<title>&lt;/title&gt;&lt;script&gt;x</title>')
    expect(await (await post('text')).text()).toContain('<title>Untitled</title>')
  })

  test('keeps placeholders and replacement patterns that the markdown contains', async () => {
    expect(await contentOf("{{title}} $& $' {{content}}")).toBe('<p>{{title}} $&amp; $&#39; {{content}}</p>')
  })

  test('forbids scripts by policy', async () => {
    const policy = (await post('x')).headers.get('content-security-policy')
    expect(policy).toContain("default-src 'none'")
    expect(policy).not.toContain('script-src')
  })

  test('is a form for GET that posts to wherever it came from', async () => {
    const html = await GET().text()
    expect(html).toContain('<form method="post" enctype="multipart/form-data">')
    expect(html).not.toContain('action=')
  })
})

describe('hostile markdown', () => {
  test.each([
    ['a block', '<script>alert(1)</script>', '<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>'],
    ['a tag in a line', 'a <b onclick="x()">b</b>', '<p>a &lt;b onclick=&quot;x()&quot;&gt;b&lt;/b&gt;</p>'],
    ['a tag that opens raw text', 'a <pre><img src=x onerror=x() b', '<p>a &lt;pre&gt;&lt;img src=x onerror=x() b</p>'],
    ['a comment', '<!-- a -->', '<p>&lt;!-- a --&gt;</p>'],
    ['a tag in a table', '|<b>|\n|-|', '<table>\n<thead>\n<tr>\n<th>&lt;b&gt;</th>\n</tr>\n</thead>\n</table>'],
    ['a tag in the alternative text', '![<b>](p.png)', '<p><img src="p.png" alt="&lt;b&gt;"></p>'],
  ])('shows raw HTML as text: %s', async (_where, markdown, html) => {
    expect(await contentOf(markdown)).toBe(html)
  })

  test.each([
    '[a](javascript:x)',
    '[a](JaVaScRiPt:x)',
    '[a](javascript&#58;x)',
    '[a](javascript&colon;x)',
    '[a](java&Tab;script:x)',
    '[a](data:text/html,x)',
    '[a](vbscript:x)',
    '[a][b]\n\n[b]: javascript:x',
    '![a](data:image/svg+xml,x)',
  ])('keeps the text but not the address of %j', async (markdown) => {
    expect(await contentOf(markdown)).toBe('<p>a</p>')
  })

  test.each(['https://example.org/?a=1', 'mailto:ada@example.org', '/docs/a:b', 'other.html', '#part', '?page=2'])(
    'keeps the address %s',
    async (address) => {
      expect(await contentOf(`[a](${address})`)).toBe(`<p><a href="${address}">a</a></p>`)
    },
  )

  test('is refused when nested too deeply, and the next call is answered', async () => {
    const response = await post('>'.repeat(20_000))
    expect(response.status).toBe(400)
    expect(await response.text()).toMatch(/nested too deeply/)
    expect(await contentOf('fine')).toBe('<p>fine</p>')
  })
})

describe('the body', () => {
  test('may be the form', async () => {
    const form = new FormData()
    form.set('markdown', '*a*')
    const request = new Request('http://localhost/', { method: 'POST', body: form })
    expect(await (await POST(request)).text()).toContain('<p><em>a</em></p>')
  })

  test('may be a file of the form', async () => {
    const form = new FormData()
    form.set('markdown', new Blob(['*a*']), 'a.md')
    const request = new Request('http://localhost/', { method: 'POST', body: form })
    expect(await (await POST(request)).text()).toContain('<p><em>a</em></p>')
  })

  test('is markdown under the type that curl gives to every file', async () => {
    const response = await post('a=*b*', { 'content-type': 'application/x-www-form-urlencoded' })
    expect(await response.text()).toContain('<p>a=<em>b</em></p>')
  })

  test.each([
    ['bytes that are not UTF-8', new Uint8Array([0xff, 0xfe, 0x80]), 'text/markdown'],
    [
      'a form without the field',
      '--b\r\nContent-Disposition: form-data; name="c"\r\n\r\nx\r\n--b--\r\n',
      'multipart/form-data; boundary=b',
    ],
    ['a form that is cut off', '--b\r\nContent-Dispo', 'multipart/form-data; boundary=b'],
    ['a form without a boundary', 'x', 'multipart/form-data'],
  ])('is refused with 400 when it is %s', async (_what, body, type) => {
    const response = await post(body, { 'content-type': type })
    expect(response.status).toBe(400)
    expect(await response.text()).toMatch(/UTF-8 text, or a form/)
  })

  test('is refused with 413 when it is too long, without being read to its end', async () => {
    let sent = 0
    let cancelled = false
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 1
        controller.enqueue(new Uint8Array(64 * 1024).fill(0x61))
      },
      cancel() {
        cancelled = true
      },
    })
    const request = new Request('http://localhost/', { method: 'POST', body: endless, duplex: 'half' })
    const response = await POST(request)
    expect(response.status).toBe(413)
    expect(await response.text()).toBe('Send at most 256 KiB of markdown.\n')
    expect(cancelled).toBe(true)
    expect(sent).toBeLessThan(8)
  })
})
