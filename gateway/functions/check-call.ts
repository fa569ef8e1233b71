/** One call of the reset check: a request in memory, and its whole answer as bytes. */
import { Invocation, type InvocationFailure } from '../../warmpool/index.ts'

export interface CheckRequest {
  readonly method: string
  /** With its query. */
  readonly path: string
  /** In the order given. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  /** null: none. */
  readonly body: Uint8Array | null
}

export type CheckAnswer =
  | { readonly ok: true; readonly status: number; readonly head: string; readonly body: Buffer }
  | { readonly ok: false; readonly message: string }

export class CheckCall extends Invocation {
  readonly head: string
  readonly answered: Promise<CheckAnswer>
  readonly #settle: (answer: CheckAnswer) => void
  readonly #chunks: Buffer[] = []
  /** False: of a body only its end is of interest, however long it is. */
  keepsBody = true
  #status = 0
  #head = ''

  constructor({ method, path, headers, body }: CheckRequest) {
    super()
    const length = body === null ? [] : [['content-length', String(body.length)] as const]
    const lines = [['host', 'localhost'] as const, ...headers, ...length].flatMap(([name, value]) => [
      name.toLowerCase(),
      value,
    ])
    this.head = ['check', method, path, ...lines].join('\n')
    this.body = body
    const { promise, resolve } = Promise.withResolvers<CheckAnswer>()
    this.answered = promise
    this.#settle = resolve
  }

  protected override onResponse(status: number, head: string, body: Buffer): void {
    this.#status = status
    this.#head = head
    this.onData(body)
  }

  protected override onData(chunk: Buffer): void {
    if (this.keepsBody) this.#chunks.push(Buffer.from(chunk))
    this.consumed(chunk.length)
  }

  protected override onEnd(): void {
    this.#settle({ ok: true, status: this.#status, head: this.#head, body: Buffer.concat(this.#chunks) })
  }

  protected override onFailure(failure: InvocationFailure): void {
    this.#settle({ ok: false, message: failure.message })
  }
}
