/** Runs in a confined process: tries what the test asks for. */
import { readFile, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'

interface Attempts {
  readonly read?: readonly string[]
  readonly write?: readonly string[]
  readonly connect?: number
  readonly eat?: boolean
  readonly hang?: boolean
  readonly fail?: boolean
}

export default async function attempts(input: Attempts): Promise<unknown> {
  if (input.fail) throw new Error('as it was asked to')
  const held: Buffer[] = []
  while (input.eat) held.push(Buffer.alloc(1024 * 1024, 1))
  if (input.hang) await new Promise((resolve) => setTimeout(resolve, 600_000))
  const outcomes: Record<string, string> = {}
  const note = async (what: string, work: Promise<unknown>): Promise<void> => {
    outcomes[what] = await work.then(
      () => 'done',
      (error: NodeJS.ErrnoException) => error.code ?? error.message,
    )
  }
  for (const path of input.read ?? []) await note(path, readFile(path))
  for (const path of input.write ?? []) await note(path, writeFile(path, 'x'))
  const { connect: port } = input
  if (port !== undefined)
    await note(
      'connect',
      new Promise((resolve, reject) => connect(port, '127.0.0.1').on('connect', resolve).on('error', reject)),
    )
  return outcomes
}
