/** The way out of functions whose `network` is a list of hosts: a proxy that whoever has the pool runs for them. */

export interface Egress {
  /** On loopback, and the only port that its worker may connect to. */
  readonly port: number
  /** Variables that programs look for a proxy in. */
  readonly env: Readonly<Record<string, string>>
}

/** Null: there is none, and the function reaches nothing. */
export type EgressLocator = (functionName: string) => Egress | null
