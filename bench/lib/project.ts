/** A folder of functions with a configuration, made for one measurement and gone after it. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

export interface ProjectFiles {
  /** Paths inside functions/, and the files' contents. */
  readonly functions: Readonly<Record<string, string>>
  /** What stands in wrangler-free.config.json. */
  readonly config: Readonly<Record<string, unknown>>
}

export interface Project {
  /** Absolute, without symbolic links. */
  readonly folder: string
  readonly configFile: string
  /** Puts other settings in the place of the first. */
  configure(config: ProjectFiles['config']): void
  remove(): void
}

/** Of those that are not removed yet: a run that is broken off leaves none behind. */
const folders = new Set<string>()
process.once('exit', () => folders.forEach(removeFolder))

function removeFolder(folder: string): void {
  // Again when something is still being written in there by what has just been killed.
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  folders.delete(folder)
}

/** `filesIn` is told the new folder, in which the functions may leave files of their own; `inside` is where it is made. */
export function makeProject(filesIn: (folder: string) => ProjectFiles, inside = tmpdir()): Project {
  const folder = realpathSync(mkdtempSync(join(inside, 'wrangler-free-bench-')))
  folders.add(folder)
  const { functions, config } = filesIn(folder)
  mkdirSync(join(folder, 'functions'))
  for (const [path, source] of Object.entries(functions)) {
    const file = join(folder, 'functions', path)
    if (path.includes('/')) mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, source)
  }
  const configFile = join(folder, 'wrangler-free.config.json')
  const configure: Project['configure'] = (settings) => writeFileSync(configFile, JSON.stringify(settings, null, 2))
  configure(config)
  return { folder, configFile, configure, remove: () => removeFolder(folder) }
}
