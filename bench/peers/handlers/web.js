/**
 * The functions as web handlers, `Request` in and `Response` out: for ours, hono, workerd and Bun. Bodies are taken
 * whole, as nearly all functions take them.
 */
import { DOWNLOAD, digest, HELLO, WAIT_MS, withTotal } from './work.js'

const TEXT = { headers: { 'content-type': 'text/plain' } }
const BYTES = { headers: { 'content-type': 'application/octet-stream' } }

export const hello = () => new Response(HELLO, TEXT)

export const json = async (request) => Response.json(withTotal(await request.json()))

export const download = () => new Response(DOWNLOAD, BYTES)

export const upload = async (request) => new Response(String((await request.arrayBuffer()).byteLength), TEXT)

export const sha512 = async (request) => new Response(digest(new Uint8Array(await request.arrayBuffer())), TEXT)

export const wait = async () => {
  await new Promise((resolve) => setTimeout(resolve, WAIT_MS))
  return new Response(HELLO, TEXT)
}
