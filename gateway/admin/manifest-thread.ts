/** A thread that reads the manifest of an upload: tens of thousands of files take longer than the event loop may stand still. */
import { parentPort, workerData } from 'node:worker_threads'
import { checkManifest, type FolderLimits, manifestId } from '../deploy/manifest.ts'
import { Refusal } from '../deploy/refusal.ts'
import type { ProblemCode } from '../http/problem.ts'
import { manifestBody, mistakesIn } from './api-schemas.ts'

export interface ManifestTask {
  readonly body: Uint8Array
  readonly limits: FolderLimits
}

export type ManifestResult =
  | { readonly manifest: string; readonly id: string }
  | { readonly code: ProblemCode; readonly message: string }

const { body, limits } = workerData as ManifestTask
parentPort!.postMessage(read())

function read(): ManifestResult {
  try {
    const manifest = manifestIn(Buffer.from(body).toString(), limits)
    checkManifest(manifest, limits)
    return { manifest: JSON.stringify(manifest), id: manifestId(manifest) }
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    return { code: error.code, message: error.message }
  }
}

function manifestIn(text: string, { maxFiles }: FolderLimits) {
  let written: unknown
  try {
    written = JSON.parse(text)
  } catch {
    throw new Refusal('malformed-request', 'The body is not JSON')
  }
  // Before each is looked at.
  const files = (written as { files?: unknown } | null)?.files
  if (Array.isArray(files) && files.length > maxFiles)
    throw new Refusal('upload-too-large', `The folder has ${files.length} files; deploy.maxFiles allows ${maxFiles}`)
  const parsed = manifestBody.safeParse(written)
  if (parsed.success) return parsed.data
  throw new Refusal('malformed-request', mistakesIn(parsed.error))
}
