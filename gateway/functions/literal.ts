/**
 * Reads values off JavaScript text without running it: texts, numbers, booleans, null, arrays and objects of such.
 * Everything else (a name, a call, a template with an expression) is UNREADABLE, and stepped over, so that one such
 * value in an object hides no other.
 */

export const UNREADABLE = Symbol('unreadable')

const WORDS: Readonly<Record<string, unknown>> = { true: true, false: false, null: null, undefined }
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', f: '\f', v: '\v', 0: '\0' }
const ESCAPED = /\\(?:u\{([0-9a-f]+)\}|u([0-9a-f]{4})|x([0-9a-f]{2})|(\r\n|[\s\S]))/gi
const TEXT = /"(?:[^"\\\n]|\\[\s\S])*"|'(?:[^'\\\n]|\\[\s\S])*'|`(?:[^`\\$]|\\[\s\S]|\$(?!\{))*`/y
const NUMBER = /-?(?:\d+\.?\d*(?:e[+-]?\d+)?|\.\d+)/iy
const WORD = /[\p{ID_Start}$_][\p{ID_Continue}$]*/uy
const REGEXP = /\/(?![*/])(?:[^\\/[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/y
const SPACE = /(?:\s|\/\/.*|\/\*[\s\S]*?\*\/)*/y
/** A `/` after one of these begins a regular expression and does not divide. */
const BEFORE_REGEXP = /(?:[([{,;=:!&|?+\-*%<>~^]|\b(?:return|typeof|case|in|of|void|await))\s*$/
const CLOSING: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' }

/** The value that begins at this place. Throws SyntaxError where the text cannot be followed. */
export function readLiteral(text: string, at: number): unknown {
  return new Reader(text, at).value()
}

class Reader {
  readonly #text: string
  #at: number

  constructor(text: string, at: number) {
    this.#text = text
    this.#at = at
  }

  /** Up to the comma, bracket or semicolon behind it. */
  value(): unknown {
    this.#take(SPACE)
    const start = this.#at
    const value = this.#literal()
    this.#take(SPACE)
    if (value !== UNREADABLE && this.#isAtEnd()) return value
    this.#at = start
    this.#stepOver()
    return UNREADABLE
  }

  #literal(): unknown {
    const next = this.#text[this.#at]
    if (next === '{') return this.#object()
    if (next === '[') return this.#array()
    const text = this.#take(TEXT)
    if (text !== null) return unescaped(text.slice(1, -1))
    const number = this.#take(NUMBER)
    if (number !== null) return Number(number)
    const word = this.#take(WORD)
    return word !== null && Object.hasOwn(WORDS, word) ? WORDS[word] : UNREADABLE
  }

  #array(): unknown {
    const values: unknown[] = []
    this.#at++
    while (!this.#closes(']')) values.push(this.value())
    return values.includes(UNREADABLE) ? UNREADABLE : values
  }

  #object(): Record<string, unknown> {
    const values: Record<string, unknown> = {}
    this.#at++
    while (!this.#closes('}')) {
      const key = this.#key()
      this.#take(SPACE)
      if (key !== null && this.#text[this.#at] === ':') {
        this.#at++
        values[key] = this.value()
      } else {
        // A method, a spread, a name that is its value too.
        if (key !== null) values[key] = UNREADABLE
        this.#stepOver()
      }
    }
    return values
  }

  #key(): string | null {
    const text = this.#take(TEXT)
    return text === null ? this.#take(WORD) : unescaped(text.slice(1, -1))
  }

  /** Steps over a comma or the closing bracket; true for the bracket. */
  #closes(bracket: string): boolean {
    this.#take(SPACE)
    if (this.#text[this.#at] === ',') {
      this.#at++
      this.#take(SPACE)
    }
    if (this.#at >= this.#text.length) throw new SyntaxError('a bracket is not closed')
    if (this.#text[this.#at] !== bracket) return false
    this.#at++
    return true
  }

  #isAtEnd(): boolean {
    this.#take(SPACE)
    const next = this.#text[this.#at]
    return next === undefined || ',;]})'.includes(next)
  }

  /** To the comma, bracket or semicolon that ends this expression. */
  #stepOver(): void {
    while (!this.#isAtEnd()) this.#stepOverToken()
  }

  #stepOverToken(): void {
    const next = this.#text[this.#at]!
    if (CLOSING[next] !== undefined) return this.#stepOverBrackets(CLOSING[next])
    if (this.#take(TEXT) !== null || this.#take(WORD) !== null) return
    if (next === '`') return this.#stepOverTemplate()
    const before = this.#text.slice(Math.max(0, this.#at - 12), this.#at)
    if (next === '/' && BEFORE_REGEXP.test(before) && this.#take(REGEXP) !== null) return
    this.#at++
  }

  #stepOverBrackets(closing: string): void {
    this.#at++
    for (this.#take(SPACE); this.#text[this.#at] !== closing; this.#take(SPACE)) {
      if (this.#at >= this.#text.length) throw new SyntaxError('a bracket is not closed')
      this.#stepOverToken()
    }
    this.#at++
  }

  #stepOverTemplate(): void {
    this.#at++
    while (this.#text[this.#at] !== '`') {
      if (this.#at >= this.#text.length) throw new SyntaxError('a template is not closed')
      if (this.#text.startsWith('${', this.#at)) {
        this.#at++
        this.#stepOverBrackets('}')
      } else {
        this.#at += this.#text[this.#at] === '\\' ? 2 : 1
      }
    }
    this.#at++
  }

  #take(pattern: RegExp): string | null {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)
    if (found === null) return null
    this.#at += found[0].length
    return found[0]
  }
}

function unescaped(text: string): string {
  return text.replace(ESCAPED, (_all, ...[long, four, two, one]: (string | undefined)[]) => {
    const code = long ?? four ?? two
    if (code !== undefined) return String.fromCodePoint(Number.parseInt(code, 16))
    if (one === '\n' || one === '\r\n') return ''
    return ESCAPES[one!] ?? one!
  })
}
