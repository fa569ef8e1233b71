/**
 * What a blank does before it says that it has booted: one pretended load and one pretended call, so that the module
 * loader, the web classes and this runtime's own paths are compiled by the time a caller waits for them. It leaves
 * nothing behind: the pretended frames go nowhere, and no user code is involved.
 */
import { Writable } from 'node:stream'
import { FrameWriter } from '../../wire/frame-writer.ts'
import type { Load } from '../../wire/messages.ts'
import { Call } from './call.ts'
import { chooseFormat } from './formats/index.ts'
import { IncomingBody } from './incoming-body.ts'

const EMPTY_MODULE: string = 'data:text/javascript,export default 0'
export const REHEARSED_LOAD: Load = {
  name: 'rehearsal',
  entry: EMPTY_MODULE,
  cwd: null,
  format: null,
  handler: null,
  command: null,
  memoryBytes: null,
  env: {},
  ring: false,
  confinement: null,
}
export const REHEARSED_HEAD = 'rehearsal\nPOST\n/path?query=1\nhost\nlocalhost\ncontent-type\ntext/plain\naccept\n*/*'

export async function rehearse(): Promise<void> {
  await import(EMPTY_MODULE)
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
  const writer = new FrameWriter(nowhere)
  const { handler } = await chooseFormat({ default: { fetch: respond } }, REHEARSED_LOAD)
  const body = new IncomingBody(Buffer.from('body'), false, () => {})
  await handler(new Call(1, REHEARSED_HEAD, 1_000, false, body, writer, () => {}))
}

async function respond(request: Request): Promise<Response> {
  const { pathname } = new URL(request.url)
  const type = request.headers.get('content-type') ?? ''
  const text = await request.text()
  return new Response(`${request.method} ${pathname} ${text}`, { headers: { 'content-type': type } })
}
