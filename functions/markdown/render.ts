// Markdown to HTML that is safe to show on one's own site. Guarantees: no tag, attribute or script of the author's own
// reaches the output, only what marked writes for markdown's constructs, with http, https, mailto and relative links.

import { Marked, type Tokens } from 'marked'

// An address is kept if it names a harmless scheme, or none: no colon, written or as an entity (`javascript&#58;…`),
// may come before the first slash, question mark or hash.
const SAFE_ADDRESS = /^(?:https?:|mailto:|[^:&/?#]*(?:[/?#]|$))/i

const marked = new Marked({
  async: false,
  // A tokenizer that never finds HTML leaves it to be text, which the renderer escapes. Escaping in the renderer's
  // `html` alone would miss the text between <pre> and </pre> or <script> and </script>, which marked passes unescaped.
  tokenizer: { html: () => undefined, tag: () => undefined },
  renderer: {
    // `false` means: render it the usual way.
    link(token) {
      return SAFE_ADDRESS.test(token.href) ? false : this.parser.parseInline(token.tokens)
    },
    image(token) {
      return SAFE_ADDRESS.test(token.href) ? false : escapeHtml(token.text)
    },
  },
})

/** A rendered document; the title is plain text, taken from the first heading ("Untitled" without one). */
export interface Rendered {
  title: string
  html: string
}

/** Renders markdown, or returns undefined when it is nested more deeply than the parser's stack. */
export function render(markdown: string): Rendered | undefined {
  try {
    const tokens = marked.lexer(markdown)
    const heading = tokens.find((token): token is Tokens.Heading => token.type === 'heading')
    return { title: heading?.text ?? 'Untitled', html: marked.parser(tokens) }
  } catch (error) {
    if (error instanceof Error && error.message.startsWith('Maximum call stack')) return undefined
    throw error
  }
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

/** Text as it has to be written inside HTML, in an element or in a quoted attribute. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character)
}
