/**
 * What an async context keeps of the call that it belongs to. Timers and sockets of a handler may live for longer than
 * its call: they keep this, and not the call with its body.
 */

interface Originator {
  readonly invocationId: string
}

export class CallOrigin<T extends Originator> {
  #call: T | null
  #invocationId = ''

  constructor(call: T) {
    this.#call = call
  }

  /** Null once it has ended. */
  get call(): T | null {
    return this.#call
  }

  get invocationId(): string {
    return this.#call?.invocationId ?? this.#invocationId
  }

  onEnded(): void {
    this.#invocationId = this.invocationId
    this.#call = null
  }
}
