/**
 * What runs in the confined process that builds an upload: it finds out what the folder is, bundles it, and writes the
 * bundle into a folder that the gateway takes over. All that reads text of the upload is here, so a hostile text costs
 * this process its time and memory, and the gateway none.
 */
import { join } from 'node:path'
import { FUNCTION_FILE, readFunctionFile } from '../config/index.ts'
import { build } from './build.ts'
import { BuildError, plainBuildError } from './build-error.ts'
import { discoverFolder, type FunctionSource } from './discover.ts'
import { type Allowed, checkTsconfigs } from './inside-only.ts'
import { writeBundle } from './write-bundle.ts'

export interface UploadToBuild {
  readonly name: string
  /** Absolute real path of the uploaded folder. */
  readonly dir: string
  /** A folder that does not exist yet, in one that this process may write. */
  readonly draft: string
  readonly allowed: Allowed
  /** What was found when it was deployed; null: find out. */
  readonly source: FunctionSource | null
  /** What the configuration says of runtimes. */
  readonly runtimeNames: readonly string[]
  readonly runtime: string | null
}

export type UploadBuilt =
  | {
      readonly ok: true
      readonly id: string
      /** Without its `file`: `fileText` is that. */
      readonly source: FunctionSource
      readonly fileText: string | null
      readonly outsideInputs: readonly string[]
    }
  | { readonly ok: false; readonly problem: string }
  | {
      readonly ok: false
      readonly error: Pick<BuildError, 'code' | 'message' | 'frame' | 'file' | 'line'>
    }

/** Paths, routes and notes that come back; more is a mistake or an attack. */
const MOST_ITEMS = 20_000
const MOST_ROUTES = 1_000
const MOST_FRAME_CHARS = 20_000
/** Variables, rules, notes. The gateway keeps it in its record of the version. */
const MOST_SOURCE_CHARS = 256 * 1024

export default async function buildUpload(upload: UploadToBuild): Promise<UploadBuilt> {
  const { name, dir, draft, allowed, runtimeNames, runtime } = upload
  const said = { runtimeNames, runtimeOf: () => runtime }
  const found = upload.source === null ? await discoverFolder(name, dir, said) : { source: upload.source }
  if ('problem' in found) return { ok: false, problem: found.problem }
  const { source } = found
  try {
    const leading = await checkTsconfigs(dir, allowed)
    if (leading !== null) throw plainBuildError(name, leading)
    if (source.routes.length > MOST_ROUTES)
      throw plainBuildError(
        name,
        `It asks for ${source.routes.length} routes; ${MOST_ROUTES} are allowed. Use patterns.`,
      )
    const result = await build(source, allowed)
    if (result.outsideInputs.length > MOST_ITEMS)
      throw plainBuildError(
        name,
        `It imports more than ${MOST_ITEMS} files of packages. Bundle it before deploying it.`,
      )
    await writeBundle(draft, result)
    const { id, outsideInputs } = result
    const text = source.file === null ? null : await readFunctionFile(join(dir, FUNCTION_FILE), FUNCTION_FILE)
    const told: FunctionSource = { ...source, file: null }
    if (JSON.stringify(told).length > MOST_SOURCE_CHARS)
      throw plainBuildError(name, `What its platform's files say is longer than ${MOST_SOURCE_CHARS} characters`)
    return { ok: true, id, source: told, fileText: text, outsideInputs }
  } catch (error) {
    if (!(error instanceof BuildError)) throw error
    const { code, message, frame, file, line } = error
    return { ok: false, error: { code, message, frame: frame.slice(0, MOST_FRAME_CHARS), file, line } }
  }
}
