/** How commands end. The numbers above 2 are those of curl and of sysexits.h, which scripts know already. */
export const EXIT = {
  ok: 0,
  failed: 1,
  /** Arguments that make no sense. */
  usage: 2,
  /** The answer was an HTTP error, as with `curl --fail`. */
  httpError: 22,
  /** Nothing answers, or something else than the gateway. */
  unavailable: 69,
  /** The answer broke off. */
  brokenOff: 74,
  /** The token is missing or wrong. */
  noPermission: 77,
} as const

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

/** Ends the command: its message is all that a person sees, so it says what happened and what to do. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
  readonly exitCode: ExitCode

  constructor(exitCode: ExitCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.exitCode = exitCode
  }
}
