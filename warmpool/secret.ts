/**
 * A value that is for one function's process and nobody else. It cannot be printed by accident: as text, as JSON and in
 * `console.log` it is `(secret)`; whoever needs the value has to ask for it by name, which can be searched for.
 */
const SHOWN = '(secret)'

export class Secret {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
  }

  /** The value itself: for the message that loads a function, and for nothing that is kept, sent or shown. */
  reveal(): string {
    return this.#value
  }

  equals(other: Secret | undefined): boolean {
    return other !== undefined && other.#value === this.#value
  }

  toString(): string {
    return SHOWN
  }

  toJSON(): string {
    return SHOWN
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return SHOWN
  }
}

/** By the name of the variable that holds it. */
export type Secrets = Readonly<Record<string, Secret>>

/** The variables that a function's process gets; of the same name, the secret wins. */
export function withSecrets(env: Readonly<Record<string, string>>, secrets: Secrets): Record<string, string> {
  const revealed = Object.entries(secrets).map(([name, secret]) => [name, secret.reveal()])
  return { ...env, ...Object.fromEntries(revealed) }
}

export function sameSecrets(a: Secrets, b: Secrets): boolean {
  const names = Object.keys(a)
  return names.length === Object.keys(b).length && names.every((name) => a[name]!.equals(b[name]))
}
