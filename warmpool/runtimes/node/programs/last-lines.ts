/** The last few lines of what a program wrote, for the message that says why it could not be loaded. Bounded. */

const MOST_LINES = 12
const MOST_LINE_CHARS = 300

export class LastLines {
  #lines: string[] = []
  /** The line that has no end yet. */
  #open = ''

  add(bytes: Buffer): void {
    const lines = (this.#open + bytes.toString()).split('\n')
    this.#open = lines.pop()!.slice(0, MOST_LINE_CHARS)
    if (lines.length > 0) this.#lines = [...this.#lines, ...lines].slice(-MOST_LINES)
  }

  /** Indented, without empty lines; empty when there was nothing. */
  get text(): string {
    const lines = [...this.#lines, this.#open].filter((line) => line.trim() !== '').slice(-MOST_LINES)
    return lines.map((line) => `  ${line.slice(0, MOST_LINE_CHARS)}`).join('\n')
  }
}
