// The guestbook's one page. `html` escapes every value that is put into it, so what visitors write stays text.

import { html } from 'hono/html'

/** One entry of the book; `at` is an ISO 8601 time. */
export interface Entry {
  id: number
  name: string
  message: string
  at: string
}

/** What the page shows: the entries in the order given, the visitor's name if remembered, a mistake if one was made. */
export interface View {
  entries: readonly Entry[]
  order: 'newest' | 'oldest'
  name: string | undefined
  mistake: string | undefined
}

type Html = ReturnType<typeof html>

/** The page as HTML. Its forms have no `action` and its links are queries: they lead to wherever the page is. */
export function page({ entries, order, name, mistake }: View): Html {
  const other = order === 'newest' ? 'oldest' : 'newest'
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Guestbook</title>
<style>
  :root { color-scheme: light dark; }
  body { max-width: 36rem; margin: 2rem auto; padding: 0 1rem; font: 1rem/1.5 system-ui, sans-serif; }
  input, textarea { box-sizing: border-box; width: 100%; font: inherit; }
  li { margin-bottom: 1rem; overflow-wrap: anywhere; }
  time { opacity: 0.6; font-size: 0.85em; }
</style>
</head>
<body>
<h1>Guestbook</h1>
${mistake && html`<p role="alert">${mistake}</p>`}
<form method="post">
<p><label>Name <input name="name" value="${name ?? ''}" required maxlength="60"></label></p>
<p><label>Message <textarea name="message" rows="3" required maxlength="500"></textarea></label></p>
<p><button>Sign</button></p>
</form>
${name && html`<form method="post"><button name="forget" value="yes">Forget that I am ${name}</button></form>`}
<p><a href="?order=${other}">Show the ${other} first</a></p>
<ul>
${entries.map((entry) => html`<li><b>${entry.name}</b> <time>${entry.at}</time><br>${entry.message}</li>\n`)}
</ul>
</body>
</html>
`
}
