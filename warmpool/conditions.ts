/** Waiting for something that events bring about: whoever changes the state tells, and whoever waits looks again. */

export class Conditions {
  readonly #looks = new Set<() => void>()

  /** Resolves as soon as the condition holds, looked at now and whenever {@link tell} is called. */
  until(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!condition()) return
        this.#looks.delete(look)
        resolve()
      }
      this.#looks.add(look)
      look()
    })
  }

  tell(): void {
    for (const look of this.#looks) look()
  }
}
