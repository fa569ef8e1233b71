/** Deploying to a gateway under test: with the command as a user has it, or with requests of one's own. */
import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect, onTestFinished } from 'vitest'
import { blobHead } from '../../gateway/deploy/blob-frames.ts'
import { sha256 } from '../../gateway/functions/bundle-id.ts'
import { runCli } from '../gateway/cli/run-cli.ts'
import type { GatewayUnderTest } from './gateway-under-test.ts'

export type Files = Readonly<Record<string, string>>

export interface Ran {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** A function that answers with this text, twice: from its module and from a file beside it. */
export function saying(words: string): Files {
  return {
    'index.js': `import { readFileSync } from 'node:fs'
const beside = readFileSync(new URL('words.txt', import.meta.url), 'utf8')
export default () => new Response('${words} ' + beside)
`,
    'words.txt': words,
  }
}

/** A folder for what outlives a gateway. */
export function temporaryFolder(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'wrangler-free-deploy-')))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }))
  return folder
}

export function tokenOf(stateDir: string): string {
  return (JSON.parse(readFileSync(join(stateDir, 'admin.json'), 'utf8')) as { token: string }).token
}

/** The state folder of a gateway whose configuration does not name another. */
export function stateOf(gateway: GatewayUnderTest): string {
  return gateway.project.path('.wrangler-free')
}

/** Runs the command against this gateway. */
export async function cli(gateway: GatewayUnderTest, args: readonly string[], token?: string): Promise<Ran> {
  const env = {
    WRANGLER_FREE_ADMIN_URL: gateway.adminAddress,
    WRANGLER_FREE_ADMIN_TOKEN: token ?? tokenOf(stateOf(gateway)),
    NO_COLOR: '1',
  }
  const { code, stdout, stderr } = await runCli(args, env)
  return { code, stdout: stdout.toString(), stderr }
}

/** Puts a folder beside the functions, and returns its path. */
export function write(gateway: GatewayUnderTest, name: string, files: Files): string {
  for (const [path, content] of Object.entries(files)) gateway.project.write(`sources/${name}/${path}`, content)
  return gateway.project.path(`sources/${name}`)
}

/** Writes a folder and deploys it with the command; expects that to go well. */
export async function deployed(gateway: GatewayUnderTest, name: string, files: Files, args: readonly string[] = []) {
  const ran = await cli(gateway, ['deploy', write(gateway, name, files), '--json', ...args])
  expect(ran.code, ran.stderr).toBe(0)
  return JSON.parse(ran.stdout) as {
    version: { number: number; id: string; key: string }
    live: number | null
    previous: number | null
    isKnown: boolean
    isUnchanged: boolean
  }
}

export interface Answer {
  readonly status: number
  readonly body: { readonly [field: string]: never } & { readonly detail?: string; readonly code?: string }
}

export interface Client {
  readonly url: string
  readonly token: string
}

export function clientOf(gateway: GatewayUnderTest, stateDir = stateOf(gateway)): Client {
  return { url: gateway.adminAddress, token: tokenOf(stateDir) }
}

/** One request to the admin address; what is no text or bytes is sent as JSON. */
export function ask(
  { url, token }: Client,
  method: string,
  path: string,
  body?: unknown,
  type = 'application/json',
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': type }
    const sent = request(`${url}${path}`, { method, headers, agent: false }, async (response) => {
      const said = await text(response)
      resolve({ status: response.statusCode!, body: said === '' ? {} : JSON.parse(said) })
    })
    sent.on('error', reject)
    sent.end(body === undefined || typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body))
  })
}

export function manifestOf(files: Files) {
  const listed = Object.entries(files).map(([path, content]) => {
    return { path, bytes: Buffer.byteLength(content), sha256: sha256(content) }
  })
  return { files: listed }
}

export function framesOf(contents: readonly string[]): Buffer {
  return Buffer.concat(
    contents.flatMap((content) => [blobHead(sha256(content), Buffer.byteLength(content)), Buffer.from(content)]),
  )
}

/** Deploys with three requests, as the command does. */
export async function deployBy(client: Client, name: string, files: Files, activation: object = {}): Promise<Answer> {
  const base = `/v1/functions/${name}/uploads`
  const begun = await ask(client, 'POST', base, manifestOf(files))
  if (begun.status !== 200) return begun
  const { upload, missing } = begun.body as unknown as { upload: string; missing: string[] }
  const contents = Object.values(files).filter((content) => missing.includes(sha256(content)))
  const sent = await ask(client, 'POST', `${base}/${upload}/files`, framesOf(contents), 'application/octet-stream')
  if (sent.status !== 200) return sent
  return ask(client, 'POST', `${base}/${upload}/finish`, activation)
}
