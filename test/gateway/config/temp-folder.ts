/** Real folders for tests: made under the system's temporary folder, gone after each test. */
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'
import { type Config, ConfigError, type LoadOptions, loadConfig } from '../../../gateway/config/index.ts'

/** Absolute path of a new folder with these files; a name may have folders in it. */
export async function tempFolder(files: Record<string, string> = {}): Promise<string> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'wrangler-free-config-')))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), text)
  }
  return folder
}

/** Loads what a JSON configuration with this content means. */
export async function loadWritten(content: unknown, options: Partial<LoadOptions> = {}): Promise<Config> {
  const cwd = await tempFolder({ 'wrangler-free.config.json': JSON.stringify(content) })
  return loadConfig({ cwd, env: {}, ...options })
}

/** The mistakes that loading reports; fails when it reports none. */
export async function mistakesOf(loading: Promise<Config>): Promise<ConfigError> {
  const result = await loading.catch((error: unknown) => error)
  if (result instanceof ConfigError) return result
  throw result instanceof Error ? result : new Error('The configuration was accepted')
}
