/** Deploying to a gateway under measurement with the requests that the command makes, over kept-alive connections. */
import { blobHead } from '../../gateway/deploy/blob-frames.ts'
import { sha256 } from '../../gateway/functions/bundle-id.ts'
import type { Gateway } from './gateway.ts'

export type Files = Readonly<Record<string, string>>

/** A function that says which version it is: from its module, and from a file beside it. */
export function sayingHello(version: string, more: Files = {}): Files {
  const code = `import { readFileSync } from 'node:fs'
const beside = readFileSync(new URL('version.txt', import.meta.url), 'utf8')
export default { fetch: () => new Response('${version} ' + beside) }
`
  return { 'index.mjs': code, 'version.txt': version, ...more }
}

export interface DeployedAs {
  readonly version: { readonly number: number }
  readonly live: number
}

/** Throws what the gateway says when it is not deployed. */
export async function deployTo({ admin }: Gateway, name: string, files: Files): Promise<DeployedAs> {
  const listed = Object.entries(files).map(([path, content]) => {
    return { path, bytes: Buffer.byteLength(content), sha256: sha256(content) }
  })
  const base = `v1/functions/${name}/uploads`
  const begun = await ask<{ upload: string; missing: string[] }>(admin, base, JSON.stringify({ files: listed }))
  const missing = new Set(begun.missing)
  const contents = Object.values(files).filter((content) => missing.delete(sha256(content)))
  if (contents.length > 0) await ask(admin, `${base}/${begun.upload}/files`, framed(contents))
  return ask(admin, `${base}/${begun.upload}/finish`, '{}')
}

export function rollBack({ admin }: Gateway, name: string): Promise<DeployedAs> {
  return ask(admin, `v1/functions/${name}/live`, '{}')
}

function framed(contents: readonly string[]): Buffer {
  return Buffer.concat(
    contents.flatMap((content) => {
      const bytes = Buffer.from(content)
      return [blobHead(sha256(content), bytes.length), bytes]
    }),
  )
}

async function ask<T>(admin: Gateway['admin'], path: string, body: string | Buffer): Promise<T> {
  const headers = { authorization: `Bearer ${admin.token}` }
  const response = await fetch(`${admin.url}/${path}`, { method: 'POST', headers, body: body as never })
  const said = await response.text()
  if (!response.ok) throw new Error(`Not deployed: ${said}`)
  return JSON.parse(said) as T
}
