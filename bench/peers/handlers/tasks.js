/** The functions as tasks, bytes in and text or bytes out: what a thread of piscina runs, and node.js answers with. */
import { DOWNLOAD, digest, HELLO, WAIT_MS, withTotal } from './work.js'

export const hello = () => HELLO

export const json = (bytes) =>
  JSON.stringify(withTotal(JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString())))

export const download = () => DOWNLOAD

export const upload = (bytes) => String(bytes.byteLength)

export const sha512 = digest

export const wait = () => new Promise((resolve) => setTimeout(resolve, WAIT_MS, HELLO))
