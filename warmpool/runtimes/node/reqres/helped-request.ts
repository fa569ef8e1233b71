/** A request with what functions of Node's kind find on Vercel, Google Cloud and in Express; its body stays readable. */
import { UnreadableBody } from './body-parsing.ts'
import { cookiesIn } from './cookies.ts'
import { GoogleRequest } from './google-request.ts'

export class HelpedRequest extends GoogleRequest {
  #cookies: Record<string, string> | null = null

  /** JSON that is none makes `body` throw when it is read: who reads the stream does not ask for it. */
  keep(bytes: Buffer | null): void {
    try {
      this.parse(bytes)
    } catch (error) {
      if (!(error instanceof UnreadableBody)) throw error
      const get = () => {
        throw error
      }
      Object.defineProperty(this, 'body', { configurable: true, get, set: (value) => this.#setBody(value) })
    }
  }

  get cookies(): Record<string, string> {
    this.#cookies ??= cookiesIn(this.headers.cookie ?? '')
    return this.#cookies
  }

  set cookies(cookies: Record<string, string>) {
    this.#cookies = cookies
  }

  #setBody(value: unknown): void {
    Object.defineProperty(this, 'body', { configurable: true, enumerable: true, writable: true, value })
  }
}
