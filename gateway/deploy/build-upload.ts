/**
 * Builds what somebody sent. It may import its own files and installed packages, and nothing else of this machine: a bundle
 * that holds another file would hand it to whoever may call the function, the gateway's own token included.
 */
import { basename, relative, sep } from 'node:path'
import type { Builder } from '../functions/builder.ts'
import type { Bundle } from '../functions/bundle-store.ts'
import type { FunctionSource } from '../functions/discover.ts'
import { Refusal } from './refusal.ts'

/** Throws `Refusal`. `onBuilt` hears the bundle's id before it is stored. */
export async function buildUpload(
  builder: Builder,
  source: FunctionSource,
  onBuilt: (bundleId: string) => Promise<void>,
): Promise<{ readonly bundle: Bundle; readonly outsideInputs: readonly string[] }> {
  const outcome = await builder.buildOnce(source, onBuilt)
  if (!outcome.ok) {
    const { code, message, frame, file, line } = outcome.error
    if (isOutside(file)) throw new Refusal(code, `It imports a file outside of its folder: ${message}`)
    const place = file === null ? '' : ` (${file}:${line ?? 1})`
    throw new Refusal(code, `It does not build: ${message}${place}`, frame === '' ? null : frame)
  }
  const { bundle, outsideInputs } = outcome
  const foreign = outsideInputs.find((path) => !isOfPackage(path))
  if (foreign === undefined) return { bundle, outsideInputs }
  const shown = relative(source.dir, foreign)
  throw new Refusal(
    'build-failed',
    `It imports ${shown}, which is outside of its folder: only packages may be found there`,
  )
}

/** As the build tells places: beginning with the function's name where they are in its folder. */
function isOutside(file: string | null): boolean {
  return file !== null && (file.startsWith('..') || file.startsWith('/'))
}

function isOfPackage(path: string): boolean {
  return path.split(sep).includes('node_modules') || basename(path) === 'tsconfig.json'
}
