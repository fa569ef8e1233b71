/**
 * The tokens that were made for the admin address, besides the gateway's own: each with what it may do and, where that is
 * said, for which functions. A token is shown once, when it is made; what is kept of it is its SHA-256.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { writeDurably } from './durable.ts'
import { InTurn } from './in-turn.ts'
import { Refusal } from './refusal.ts'

/** Each may what those before it may. */
export const SCOPES = ['read', 'deploy', 'admin'] as const
export type Scope = (typeof SCOPES)[number]

/** Somebody who has presented a token. */
export interface Principal {
  readonly name: string
  readonly scope: Scope
  /** Null: all. */
  readonly functions: readonly string[] | null
}

export interface TokenRecord extends Principal {
  readonly id: string
  readonly createdAt: string
  /** In hex. */
  readonly sha256: string
}

const MAX_TOKENS = 1_000
/** Names in the audit log that nobody else may have: of the gateway's own token, and of what it decides itself. */
const OURS = ['admin', 'gateway']

export class TokenStore {
  readonly #stateDir: string
  readonly #path: string
  readonly #turns = new InTurn()
  #tokens: readonly TokenRecord[]

  /** Throws when there is a file that cannot be read: a gateway without its tokens would lock everybody out unsaid. */
  constructor(stateDir: string) {
    this.#stateDir = stateDir
    this.#path = join(stateDir, 'deploy', 'tokens.json')
    this.#tokens = readTokens(this.#path)
  }

  get tokens(): readonly TokenRecord[] {
    return this.#tokens
  }

  /** Who presents this; null: nobody that is known. Looks at all of them, so that the time tells nothing. */
  find(token: string): Principal | null {
    const presented = createHash('sha256').update(token).digest()
    let found: TokenRecord | null = null
    for (const one of this.#tokens) if (timingSafeEqual(Buffer.from(one.sha256, 'hex'), presented)) found = one
    return found
  }

  /** Returns the token itself, which nobody can be told again. */
  create({ name, scope, functions }: Principal): Promise<{ readonly token: string; readonly record: TokenRecord }> {
    return this.#turns.take('', async () => {
      if (OURS.includes(name))
        throw new Refusal('name-taken', `"${name}" stands in the audit log for the gateway itself: take another name`)
      if (scope === 'admin' && functions !== null)
        throw new Refusal(
          'malformed-request',
          'A token that may admin may make others for any function: it cannot be for some of them',
        )
      if (this.#tokens.some((one) => one.name === name))
        throw new Refusal('name-taken', `There is a token "${name}" already: revoke it, or take another name`)
      if (this.#tokens.length >= MAX_TOKENS)
        throw new Refusal('unacceptable-upload', `There are ${MAX_TOKENS} tokens already: revoke some`)
      const token = `wf_${randomBytes(32).toString('base64url')}`
      const sha256 = createHash('sha256').update(token).digest('hex')
      const createdAt = new Date().toISOString()
      const record = { id: randomBytes(6).toString('hex'), name, scope, functions, createdAt, sha256 }
      await this.#write([...this.#tokens, record])
      return { token, record }
    })
  }

  /** By id or name. */
  revoke(idOrName: string): Promise<TokenRecord> {
    return this.#turns.take('', async () => {
      const found = this.#tokens.find(({ id, name }) => id === idOrName || name === idOrName)
      if (found === undefined) throw new Refusal('not-found', `There is no token "${idOrName}"`)
      await this.#write(this.#tokens.filter((one) => one !== found))
      return found
    })
  }

  /** In force once it is on the disk, so that no restart brings a revoked token back. */
  async #write(tokens: readonly TokenRecord[]): Promise<void> {
    await mkdir(dirname(this.#path), { recursive: true })
    await writeDurably(this.#stateDir, this.#path, JSON.stringify({ tokens }))
    this.#tokens = tokens
  }
}

/** Tokens, the audit log and install scripts are about all functions: who is held to some of them administers nothing. */
export function mayDo(principal: Principal, scope: Scope): boolean {
  if (scope === 'admin' && principal.functions !== null) return false
  return SCOPES.indexOf(principal.scope) >= SCOPES.indexOf(scope)
}

export function maySee({ functions }: Principal, name: string): boolean {
  return functions === null || functions.includes(name)
}

function readTokens(path: string): TokenRecord[] {
  try {
    return (JSON.parse(readFileSync(path, 'utf8')) as { tokens: TokenRecord[] }).tokens
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw new Error(
      `The tokens in ${path} cannot be read (${(error as Error).message}): mend the file, or remove it and make new ones.`,
    )
  }
}
