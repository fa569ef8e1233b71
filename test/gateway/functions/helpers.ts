/** Real folders of functions to build, and a real process to run what was built. */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { onTestFinished } from 'vitest'
import type { BuildError } from '../../../gateway/functions/build-error.ts'
import type { BuildOutcome } from '../../../gateway/functions/builder.ts'
import type { Bundle } from '../../../gateway/functions/bundle-store.ts'
import { discover, type FunctionSource } from '../../../gateway/functions/discover.ts'

export const REPOSITORY = resolve(import.meta.dirname, '../../..')

/** An empty folder that is gone after the test. */
export async function temporaryFolder(): Promise<string> {
  const dir = await realpath(await mkdtemp(join(tmpdir(), 'wf-functions-')))
  onTestFinished(() => rm(dir, { recursive: true, force: true }))
  return dir
}

export async function writeTree(dir: string, tree: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(tree)) {
    await mkdir(dirname(join(dir, path)), { recursive: true })
    await writeFile(join(dir, path), text)
  }
}

/** A project folder with `functions/` as described and the repository's packages; `state` is for bundles. */
export async function project(tree: Readonly<Record<string, string>>) {
  const dir = await temporaryFolder()
  const functionsDir = join(dir, 'functions')
  await mkdir(functionsDir)
  await writeTree(functionsDir, tree)
  await symlink(join(REPOSITORY, 'node_modules'), join(dir, 'node_modules'))
  return { dir, functionsDir, stateDir: join(dir, 'state') }
}

export async function sourceOf(functionsDir: string, name: string): Promise<FunctionSource> {
  const { functions, problems } = await discover(functionsDir)
  const source = functions.find((candidate) => candidate.name === name)
  if (source === undefined) throw new Error(`no function ${name}: ${JSON.stringify(problems)}`)
  return source
}

export function built(outcome: BuildOutcome | undefined): Bundle {
  if (outcome?.ok !== true) throw new Error(`not built: ${outcome?.error.message}\n${outcome?.error.frame}`)
  return outcome.bundle
}

export function failed(outcome: BuildOutcome | undefined): BuildError {
  if (outcome === undefined || outcome.ok) throw new Error('built, but should not')
  return outcome.error
}

/**
 * Imports the bundle in a Node process of its own, in its `files/` folder as a worker does, and answers what
 * `expression` (of the namespace `m`) gives.
 */
export async function run(bundle: Bundle, expression: string): Promise<unknown> {
  const script = `const m = await import(${JSON.stringify(bundle.entryFile)}); console.log(JSON.stringify(await (${expression})))`
  const args = ['--enable-source-maps', '--input-type=module', '-e', script]
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: join(bundle.dir, 'files') })
  return JSON.parse(stdout)
}
