/** How the pool runs what a function is: which kind of process, what it loads, and in which folder. */
import { dirname, join, relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { FunctionSpec } from '../../warmpool/index.ts'
import type { Bundle } from './bundle-store.ts'
import type { FunctionSource } from './discover.ts'
import { isBundled } from './plain-build.ts'
import { readableBy } from './readable.ts'

/** The runtimes that are programs are formats of the Node runtime: its worker starts the program and speaks with it. */
const PROGRAM_FORMATS = { http: 'http', stdio: 'stdio', lambda: 'bootstrap' } as const

type RunAs = Pick<
  FunctionSpec,
  'entry' | 'cwd' | 'format' | 'handler' | 'command' | 'runtime' | 'source' | 'readable' | 'platform'
>

export function runAs(source: FunctionSource, bundle: Bundle, outsideInputs: readonly string[]): RunAs {
  const { runtime, format, handler, command, platform } = source.identity
  const files = join(bundle.dir, 'files')
  const readable = readableBy(source, bundle, outsideInputs)
  const own = {
    cwd: files,
    handler,
    command,
    readable,
    ...(source.kind === 'folder' && { source: source.dir }),
    ...(platform !== undefined && { platform }),
  }
  if (runtime === 'http' || runtime === 'stdio' || runtime === 'lambda')
    return { ...own, entry: fileUrl(files), format: PROGRAM_FORMATS[runtime], runtime: 'node' }
  const entry = isBundled(source)
    ? bundle.entryFile
    : join(files, relative(source.kind === 'file' ? dirname(source.entry) : source.dir, source.entry))
  return { ...own, entry: fileUrl(entry), format, runtime }
}

function fileUrl(path: string): string {
  return pathToFileURL(path).href
}
