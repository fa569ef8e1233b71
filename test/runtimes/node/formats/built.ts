/** A function's folder, built as the gateway builds it and called in a real worker. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { onTestFinished } from 'vitest'
import { build } from '../../../../gateway/functions/build.ts'
import { discover } from '../../../../gateway/functions/discover.ts'
import { newTemporaryPath } from '../../../../gateway/functions/temporary.ts'
import { writeBundle } from '../../../../gateway/functions/write-bundle.ts'
import { CalledFunction } from './called.ts'

const REPOSITORY = resolve(import.meta.dirname, '../../../..')

type Stated = ConstructorParameters<typeof CalledFunction>[1]

/**
 * `tree`: files under the functions folder, by path; the function is named `name`. The repository's packages are there.
 * `packages`: by a path such as `app/node_modules/name`, which of the repository's packages is there.
 */
export async function builtFunction(
  name: string,
  tree: Readonly<Record<string, string>>,
  stated: Stated = {},
  packages: Readonly<Record<string, string>> = {},
): Promise<CalledFunction> {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), 'built-')))
  onTestFinished(() => rmSync(dir, { recursive: true }))
  for (const [path, text] of Object.entries(tree)) {
    mkdirSync(dirname(join(dir, 'functions', path)), { recursive: true })
    writeFileSync(join(dir, 'functions', path), text)
  }
  symlinkSync(join(REPOSITORY, 'node_modules'), join(dir, 'node_modules'))
  for (const [path, name] of Object.entries(packages)) {
    mkdirSync(dirname(join(dir, 'functions', path)), { recursive: true })
    symlinkSync(join(REPOSITORY, 'node_modules', name), join(dir, 'functions', path))
  }
  const { functions, problems } = await discover(join(dir, 'functions'))
  const source = functions.find((one) => one.name === name)
  if (source === undefined) throw new Error(`no function ${name}: ${JSON.stringify(problems)}`)
  const bundle = await newTemporaryPath(join(dir, 'state'))
  await writeBundle(bundle, await build(source))
  const files = join(bundle, 'files')
  const { format, handler, platform } = source.identity
  return new CalledFunction(pathToFileURL(join(bundle, 'bundle.mjs')).href, {
    name,
    format,
    handler,
    ...(platform !== undefined && { platform }),
    cwd: files,
    readable: [dir, join(REPOSITORY, 'node_modules')],
    ...stated,
  })
}
