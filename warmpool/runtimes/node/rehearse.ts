/**
 * What a blank does before it says that it has booted: one pretended load and one pretended call, so that the module
 * loader, the web classes and this runtime's own paths are compiled by the time a caller waits for them. It leaves
 * nothing behind: the pretended frames go nowhere, and no user code is involved.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { pathToFileURL } from 'node:url'
import { FrameWriter } from '../../wire/frame-writer.ts'
import { garbageCollector } from '../../wire/garbage-collector.ts'
import type { Load } from '../../wire/messages.ts'
import { Call } from './call.ts'
import { chooseFormat } from './formats/index.ts'
import { IncomingBody } from './incoming-body.ts'

const EMPTY_MODULE: string = 'data:text/javascript,export default 0'
const LOAD: Load = {
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
const CALLS_FOR_FORKS = 8
const HEAD = 'rehearsal\nPOST\n/path?query=1\nhost\nlocalhost\ncontent-type\ntext/plain\naccept\n*/*'

export async function rehearse(): Promise<void> {
  await import(EMPTY_MODULE)
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
  const writer = new FrameWriter(nowhere)
  const { handler } = await chooseFormat({ default: { fetch: respond } }, LOAD)
  const body = new IncomingBody(Buffer.from('body'), false, () => {})
  await handler(new Call(1, HEAD, 1_000, false, body, writer, () => {}))
}

/**
 * What each fork of this process then does not do again: so often that it is compiled, with a module in a file as
 * functions are, and what is left of it collected. The code stays: a template is told to keep it.
 */
export async function rehearseForForks(): Promise<void> {
  for (let call = 0; call < CALLS_FOR_FORKS; call++) await rehearse()
  await rehearseImports()
  garbageCollector()({ type: 'major', flavor: 'last-resort' })
}

async function rehearseImports(): Promise<void> {
  let folder: string | null = null
  try {
    folder = mkdtempSync(join(tmpdir(), 'wrangler-free-rehearsal-'))
    for (let call = 0; call < CALLS_FOR_FORKS; call++) {
      const file = join(folder, `${call}.mjs`)
      writeFileSync(file, 'export default 0')
      await import(pathToFileURL(file).href)
    }
  } catch {
    // A full disk, perhaps: the first calls take longer.
  } finally {
    if (folder !== null) rmSync(folder, { recursive: true, force: true })
  }
}

async function respond(request: Request): Promise<Response> {
  const { pathname } = new URL(request.url)
  const type = request.headers.get('content-type') ?? ''
  const text = await request.text()
  return new Response(`${request.method} ${pathname} ${text}`, { headers: { 'content-type': type } })
}
