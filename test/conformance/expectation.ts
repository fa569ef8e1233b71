/** How a check says what it saw instead of what docs/protocol.md asks for, or that it does not apply. */

/** The runtime does not follow the protocol; the message is for its author. */
export class Broken extends Error {
  override name = 'Broken'
}

/** The check asks for what this runtime says it does not have. */
export class NotApplicable extends Error {
  override name = 'NotApplicable'
}

export function expect(holds: boolean, sentence: string): asserts holds {
  if (!holds) throw new Broken(sentence)
}

/** What a promise becomes, unless it takes longer than anybody should wait. */
export async function within<T>(promise: Promise<T>, ms: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Broken(`${what} within ${ms} ms`)), ms)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
