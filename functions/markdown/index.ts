// Markdown in, an HTML page out. GET shows a form; POST takes the form, or the markdown itself as the body.
// The page comes from `template.html` beside this file: a function may read what lies in its own folder.
// Markdown comes from strangers, so raw HTML in it is shown as text, and links keep only addresses that run no code.

import { readFile } from 'node:fs/promises'
import { escapeHtml, render } from './render.ts'

// Bounds the memory of a call, not its time: marked needs seconds for 16 KiB of "*a_". That wall is not the function's
// to build: a call that runs past the function's `timeout` is ended, and its worker replaced.
const MAX_BYTES = 256 * 1024

// Read once, while the function loads: every call that this worker answers then finds it in memory.
const template = await readFile(new URL('./template.html', import.meta.url), 'utf8')

// No `action`: a form posts to the address that it came from, wherever this function is mounted.
const FORM = `<h1>Markdown to HTML</h1>
<form method="post" enctype="multipart/form-data">
<p><label for="markdown">Markdown</label></p>
<textarea id="markdown" name="markdown" rows="16" required>
# Hello

Some *markdown* with a [link](https://commonmark.org/).
</textarea>
<p><button>Render</button></p>
</form>`

export function GET(): Response {
  return page('Markdown to HTML', FORM)
}

export async function POST(request: Request): Promise<Response> {
  const body = await readUpTo(request, MAX_BYTES)
  if (!body) return problem(413, `Send at most ${MAX_BYTES / 1024} KiB of markdown.`)
  const markdown = await markdownOf(body, request.headers.get('content-type') ?? '')
  if (markdown === undefined) return problem(400, 'Send markdown as UTF-8 text, or a form with a field "markdown".')
  const rendered = render(markdown)
  if (!rendered) return problem(400, 'The markdown is nested too deeply to be rendered.')
  return page(rendered.title, rendered.html)
}

/** The body's bytes, or undefined as soon as it is longer than `maxBytes`: the rest is never read. */
async function readUpTo(request: Request, maxBytes: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of request.body ?? []) {
    bytes += chunk.byteLength
    if (bytes > maxBytes) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

async function markdownOf(body: Uint8Array<ArrayBuffer>, contentType: string): Promise<string | undefined> {
  try {
    // Only multipart is a form here. `curl --data-binary @file` calls every file "x-www-form-urlencoded", so that type
    // tells nothing, and anything that is not multipart is taken to be the markdown itself.
    if (!contentType.toLowerCase().startsWith('multipart/form-data')) {
      return new TextDecoder('utf-8', { fatal: true }).decode(body)
    }
    const form = await new Response(body, { headers: { 'content-type': contentType } }).formData()
    const field = form.get('markdown')
    return typeof field === 'string' ? field : await field?.text()
  } catch {
    return undefined
  }
}

function page(title: string, content: string): Response {
  const parts: Record<string, string> = { title: escapeHtml(title), content }
  // One pass with a function: markdown that contains "{{title}}" or "$&" stays what it is.
  const html = template.replace(/\{\{(\w+)\}\}/g, (placeholder, name: string) => parts[name] ?? placeholder)
  return new Response(html, {
    headers: {
      'content-type': 'text/html; charset=utf-8',
      // The second wall, should the first have a hole: a page that may run no script at all.
      'content-security-policy':
        "default-src 'none'; style-src 'unsafe-inline'; img-src http: https:; form-action 'self'; base-uri 'none'",
      'x-content-type-options': 'nosniff',
    },
  })
}

function problem(status: number, detail: string): Response {
  return new Response(`${detail}\n`, { status })
}
