/** The command as a process, and servers for it to talk to. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer, text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

const BIN = fileURLToPath(new URL('../../../bin/wrangler-free.js', import.meta.url))

/** Starts the command with all three streams as pipes; its stdin stays open until somebody ends it. */
export function startCli(args: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcessWithoutNullStreams {
  return spawn(process.execPath, [BIN, ...args], { env: { PATH: process.env.PATH, ...env } })
}

export interface Finished {
  readonly code: number | null
  readonly stdout: Buffer
  readonly stderr: string
}

/** Runs the command to its end. Without `input` its stdin is a pipe that never ends. */
export async function runCli(args: readonly string[], env?: NodeJS.ProcessEnv, input?: Buffer): Promise<Finished> {
  const child = startCli(args, env)
  if (input) child.stdin.end(input)
  return finished(child)
}

export async function finished(child: ChildProcessWithoutNullStreams): Promise<Finished> {
  child.stdin.on('error', () => {})
  const [stdout, stderr, [code]] = await Promise.all([buffer(child.stdout), text(child.stderr), once(child, 'close')])
  return { code, stdout, stderr }
}

export interface TestServer extends AsyncDisposable {
  readonly url: string
}

export async function serveHttp(listener: RequestListener): Promise<TestServer> {
  const server: Server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** An address at which nothing answers: a port that was free a moment ago. */
export async function deadUrl(): Promise<string> {
  await using server = await serveHttp(() => {})
  return server.url
}
