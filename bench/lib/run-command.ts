/** Runs a command to its end and gives what it printed. Throws what it complained about when it fails. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'

export async function runCommand([file, ...args]: readonly [string, ...string[]]): Promise<string> {
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  if (code !== 0) throw new Error(`${file} failed (exit code ${code}): ${stderr || stdout}`)
  return stdout
}
