/**
 * The folder of one run: functions, configuration, and, for root, a state folder that is a small file system of its
 * own, which can be filled without harm to anybody. Gone after the run, also after one that is broken off.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { ChaosProject } from '../disturbance.ts'

const CONFIG_FILE = 'wrangler-free.config.json'
const STATE = 'state'
const SMALL_STATE = 'size=64m'

export interface ProjectFiles {
  readonly functions: Readonly<Record<string, string>>
  readonly config: Readonly<Record<string, unknown>> & { readonly overrides: Readonly<Record<string, object>> }
}

export class Project implements ChaosProject {
  readonly folder = realpathSync(mkdtempSync(join(tmpdir(), 'wrangler-free-chaos-')))
  readonly smallState: string | null
  readonly #config: ProjectFiles['config']
  readonly #removeAtExit = (): void => this.delete()

  constructor({ functions, config }: ProjectFiles) {
    process.prependOnceListener('exit', this.#removeAtExit)
    this.#config = config
    this.smallState = mountSmall(join(this.folder, STATE))
    for (const [file, text] of Object.entries(functions)) this.write(`functions/${file}`, text)
    this.configure(this.configText())
  }

  /** At once: whoever watches sees the old or the new one. */
  write(file: string, text: string): void {
    const path = join(this.folder, file)
    mkdirSync(dirname(path), { recursive: true })
    const unfinished = join(this.folder, `unfinished-${process.pid}`)
    writeFileSync(unfinished, text)
    renameSync(unfinished, path)
  }

  remove(file: string): void {
    rmSync(join(this.folder, file), { recursive: true, force: true })
  }

  configText(settings: Readonly<Record<string, object>> = {}): string {
    const overrides = { ...this.#config.overrides }
    for (const [name, more] of Object.entries(settings)) overrides[name] = { ...overrides[name], ...more }
    return JSON.stringify({ ...this.#config, state: STATE, overrides }, null, 2)
  }

  configure(text: string): void {
    this.write(CONFIG_FILE, text)
  }

  delete(): void {
    process.off('exit', this.#removeAtExit)
    if (this.smallState !== null) spawnSync('umount', ['--lazy', this.smallState])
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 })
  }
}

/** By trying: root of a container may not. */
export function canMountSmall(): boolean {
  const path = mkdtempSync(join(tmpdir(), 'wrangler-free-chaos-'))
  const isMounted = mountSmall(path) !== null
  if (isMounted) spawnSync('umount', ['--lazy', path])
  rmSync(path, { recursive: true })
  return isMounted
}

function mountSmall(path: string): string | null {
  mkdirSync(path, { recursive: true })
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', SMALL_STATE, 'wrangler-free-chaos', path])
  return status === 0 ? path : null
}
