/** A function's folder, bundled as the gateway does it, in a real worker: for tests with npm packages. */
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { onTestFinished } from 'vitest'
import { build } from '../../../../gateway/functions/build.ts'
import { CalledFunction } from './called.ts'

const PACKAGES = new URL('../../../../node_modules', import.meta.url).pathname

/** `files`: the function's, by name; the first is its module. It may import what this repository has installed. */
export async function bundled(
  files: Readonly<Record<string, string>>,
  stated: ConstructorParameters<typeof CalledFunction>[1] = {},
): Promise<CalledFunction> {
  const dir = mkdtempSync(join(tmpdir(), 'bundled-'))
  onTestFinished(() => rmSync(dir, { recursive: true }))
  symlinkSync(PACKAGES, join(dir, 'node_modules'))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), text)
  const entry = join(dir, Object.keys(files)[0]!)
  const { code } = await build({ name: 'bundled', kind: 'folder', dir, entry })
  const file = join(dir, 'bundle.mjs')
  writeFileSync(file, code)
  return new CalledFunction(pathToFileURL(file).href, stated)
}
