/** Reads the manifest of an upload in a thread, with limits of memory and time, so that no other request waits for it. */
import { Worker } from 'node:worker_threads'
import { type FolderLimits, isChecked, type Manifest } from '../deploy/manifest.ts'
import { Refusal } from '../deploy/refusal.ts'
import type { ManifestResult, ManifestTask } from './manifest-thread.ts'

const ENTRY = new URL(`./manifest-thread.${import.meta.url.endsWith('.js') ? 'js' : 'ts'}`, import.meta.url)
const MOST_MEMORY_MB = 512
const MOST_MS = 30_000

/** Throws `Refusal`. */
export async function readManifest(body: Uint8Array<ArrayBuffer>, limits: FolderLimits): Promise<Manifest> {
  const { maxFiles, maxBytes } = limits
  const workerData: ManifestTask = { body, limits: { maxFiles, maxBytes } }
  // Handed over and not copied, where the bytes are alone in their memory.
  const isAlone = body.byteLength === body.buffer.byteLength
  const thread = new Worker(ENTRY, {
    workerData,
    transferList: isAlone ? [body.buffer] : [],
    resourceLimits: { maxOldGenerationSizeMb: MOST_MEMORY_MB },
  })
  try {
    const result = await resultOf(thread)
    if ('code' in result) throw new Refusal(result.code, result.message)
    const manifest = JSON.parse(result.manifest) as Manifest
    isChecked(manifest, limits, result.id)
    return manifest
  } finally {
    await thread.terminate()
  }
}

function resultOf(thread: Worker): Promise<ManifestResult> {
  return new Promise((resolve, reject) => {
    const tooMuch = (): void =>
      reject(
        new Refusal(
          'body-too-large',
          'Reading the manifest takes more memory or time than it may: it is no list of files',
        ),
      )
    const deadline = setTimeout(tooMuch, MOST_MS)
    const settle = (act: () => void): void => {
      clearTimeout(deadline)
      act()
    }
    thread.once('message', (result: ManifestResult) => settle(() => resolve(result)))
    thread.once('error', (error: NodeJS.ErrnoException) =>
      settle(error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? tooMuch : () => reject(error)),
    )
    thread.once('exit', () => settle(tooMuch))
  })
}
