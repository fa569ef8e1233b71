/** What runs in the confined process that installs an upload's packages: npm. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'

export interface NpmRun {
  readonly cwd: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

export interface NpmEnded {
  readonly code: number | null
  readonly signal: string | null
  /** The end of what it wrote to stderr, or why it could not be started. */
  readonly words: string
}

const KEPT_CHARS = 2_000

export default async function runNpm({ cwd, args, env }: NpmRun): Promise<NpmEnded> {
  const child = spawn('npm', args, { cwd, env: { ...env }, stdio: ['ignore', 'ignore', 'pipe'] })
  const said = text(child.stderr)
  try {
    const [code, signal] = await once(child, 'close')
    return { code, signal, words: (await said).trim().slice(-KEPT_CHARS) }
  } catch (error) {
    return { code: null, signal: null, words: (error as Error).message }
  }
}
