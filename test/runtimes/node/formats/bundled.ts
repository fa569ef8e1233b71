/** A function that imports packages, built as the gateway builds it, in a real worker. */

import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll } from 'vitest'
import { stopBuilding } from '../../../../gateway/functions/build.ts'
import { Builder } from '../../../../gateway/functions/builder.ts'
import { built, project, sourceOf } from '../../../gateway/functions/helpers.ts'
import { CalledFunction, type Stated } from './called.ts'

afterAll(stopBuilding)

/** `files`: the function's, by their paths; the repository's packages are there for it to import. */
export async function bundled(files: Readonly<Record<string, string>>, stated: Stated = {}): Promise<CalledFunction> {
  const tree = Object.fromEntries(Object.entries(files).map(([path, text]) => [`f/${path}`, text]))
  const { functionsDir, stateDir } = await project(tree)
  const builder = await Builder.open(stateDir)
  const bundle = built(await builder.buildOne(await sourceOf(functionsDir, 'f')))
  return new CalledFunction(pathToFileURL(bundle.entryFile).href, { cwd: join(bundle.dir, 'files'), ...stated })
}
