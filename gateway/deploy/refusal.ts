/** Why something of a deployment is not done, in words for whoever asked: what happened, whose fault it is, what to do. */
import type { ProblemCode } from '../http/problem.ts'

export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly code: ProblemCode
  /** Lines of source around the place, where it is about code. */
  readonly frame: string | null

  constructor(code: ProblemCode, message: string, frame: string | null = null) {
    super(message)
    this.code = code
    this.frame = frame
  }
}
