/** Contestants that are one command: what they do is written in servers/. */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { freePort } from './host.ts'
import type { HttpCase } from './http-case.ts'
import type { Peer } from './peer.ts'

type Words = (httpCase: HttpCase, port: string) => readonly string[]

export const nodeHttp = singleProcess('node:http', ({ name }, port) => node('node-http.js', name, port))

export const hono = singleProcess('hono on @hono/node-server', ({ name }, port) => node('hono.js', name, port))

export const piscina = singleProcess('node:http + piscina', ({ name, sharedWorkers, tasksPerThread }, port) =>
  node('piscina.js', name, port, String(sharedWorkers), String(tasksPerThread)),
)

export const functionsFramework = singleProcess('functions-framework', ({ name }, port) => [
  process.execPath,
  inPackage('@google-cloud/functions-framework', 'build/src/main.js'),
  `--source=${fileURLToPath(new URL('handlers/node.js', import.meta.url))}`,
  `--target=${name}`,
  `--port=${port}`,
])

export const bun = singleProcess('bun', ({ name }, port) => [
  inPackage('bun', 'bin/bun.exe'),
  serverFile('bun.js'),
  name,
  port,
])

/** The command of a server on Node. */
export function node(file: string, ...words: readonly string[]): string[] {
  return [process.execPath, serverFile(file), ...words]
}

/** A file of an installed package; throws when that is not installed. */
export function inPackage(name: string, file: string): string {
  const path = fileURLToPath(new URL(`../node_modules/${name}/${file}`, import.meta.url))
  if (!existsSync(path)) throw new Error(`${name} is not installed (npm ci in bench/)`)
  return path
}

function singleProcess(name: string, words: Words): Peer {
  return {
    name,
    async start(host, httpCase) {
      const port = await freePort()
      host.run(words(httpCase, String(port)))
      return `http://127.0.0.1:${port}/`
    },
  }
}

function serverFile(file: string): string {
  return fileURLToPath(new URL(`servers/${file}`, import.meta.url))
}
