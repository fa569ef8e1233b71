/**
 * Builds what somebody sent, in a process of its own that reads the upload and installed packages, and nothing else of this
 * machine: a bundle, or the message of a failed build, that holds another file would hand it to whoever may deploy or
 * call the function, the gateway's own token included.
 */
import { existsSync, rmSync } from 'node:fs'
import { mkdir, realpath, rm } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Confined, ConfinedRunError, runConfined } from '../../warmpool/index.ts'
import { type Config, ConfigError, FUNCTION_FILE, parseFunctionFile } from '../config/index.ts'
import type { Bundle, BundleStore } from '../functions/bundle-store.ts'
import type { FunctionSource } from '../functions/discover.ts'
import { isInside } from '../functions/inside-only.ts'
import type { UploadBuilt, UploadToBuild } from '../functions/upload-process.ts'
import type { Logger } from '../log.ts'
import { Refusal } from './refusal.ts'
import { UPLOAD_MODULE_NEEDS, writeUploadModule } from './upload-module.ts'

export interface Upload {
  readonly name: string
  /** The uploaded folder. */
  readonly dir: string
  /** What was found when it was deployed; null: find out. */
  readonly source: FunctionSource | null
}

export interface BuiltUpload {
  readonly source: FunctionSource
  readonly bundle: Bundle
  readonly outsideInputs: readonly string[]
}

export interface OnBuilt {
  /** Hears what the folder is, before anything is stored; may throw. */
  readonly found?: (source: FunctionSource) => void
  /** Hears the bundle's id, and is waited for, before it is stored. */
  readonly built: (bundleId: string) => Promise<void>
}

export interface UploadBuilderParts {
  readonly store: BundleStore
  readonly config: () => Config
  readonly log: Logger
}

/** Each may take all of `deploy.buildMemory`. */
const AT_ONCE = 2

export class UploadBuilder {
  readonly #parts: UploadBuilderParts
  readonly #waiting: (() => void)[] = []
  #running = 0
  #hasWarned = false
  #module: Promise<string> | null = null
  #moduleFile: string | null = null

  constructor(parts: UploadBuilderParts) {
    this.#parts = parts
  }

  /** Write the module that the process runs, once; a build does it where nobody has. */
  prepare(): Promise<string> {
    if (this.#module === null || (this.#moduleFile !== null && !existsSync(this.#moduleFile))) {
      const written = this.#writeModule()
      this.#module = written
      written.catch(() => {
        if (this.#module === written) this.#module = null
      })
    }
    return this.#module
  }

  async #writeModule(): Promise<string> {
    const file = `${await this.#parts.store.newDraft()}.mjs`
    await writeUploadModule(file)
    this.#moduleFile = file
    return file
  }

  stop(): void {
    try {
      if (this.#moduleFile !== null) rmSync(this.#moduleFile, { force: true })
    } catch {
      // Its folder cannot be written any more: the next start removes what is left there.
    }
  }

  /** Throws `Refusal`. */
  async build(upload: Upload, { found, built }: OnBuilt): Promise<BuiltUpload> {
    const { store, config } = this.#parts
    const folder = await store.newDraft()
    try {
      await mkdir(folder)
      const dir = await realpath(upload.dir)
      const allowed = await allowedFor(dir)
      const input: UploadToBuild = {
        ...upload,
        dir,
        source: upload.source === null ? null : { ...withPlace(upload.source, upload.dir, dir), file: null },
        draft: join(folder, 'bundle'),
        allowed,
        runtimeNames: config().runtimeNames,
        runtime: config().runtimeOf(upload.name),
      }
      const result = await this.#inTurn(() => this.#run(input, folder))
      if (!result.ok) throw refusalOf(result)
      await checkInputs(result.outsideInputs, dir, allowed.roots)
      const source = { ...withPlace(result.source, dir, upload.dir), file: this.#fileOf(upload, result.fileText) }
      found?.(source)
      await built(result.id)
      if ((await store.has(result.id)) && !(await store.verify(result.id))) await store.discard(result.id)
      const bundle = await store.adopt(result.id, input.draft)
      return { source, bundle, outsideInputs: result.outsideInputs }
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  }

  #fileOf({ name }: Upload, text: string | null): FunctionSource['file'] {
    if (text === null) return null
    try {
      return parseFunctionFile(text, `${name}/${FUNCTION_FILE}`, this.#parts.config().runtimeNames)
    } catch (error) {
      throw error instanceof ConfigError ? new Refusal('build-failed', error.message) : error
    }
  }

  /** A process that was lost is started once more: somebody may have ended it. */
  async #run(input: UploadToBuild, folder: string): Promise<UploadBuilt> {
    const once = () => this.#confined(input, folder)
    try {
      return await once().catch((error: unknown) => {
        if (!(error instanceof ConfinedRunError) || error.reason !== 'lost') throw error
        return rm(input.draft, { recursive: true, force: true }).then(once)
      })
    } catch (error) {
      throw error instanceof ConfinedRunError ? this.#refusal(error) : error
    }
  }

  async #confined(input: UploadToBuild, folder: string): Promise<UploadBuilt> {
    const { buildMemoryBytes, buildTimeoutMs } = this.#parts.config().deploy
    const { output, confined } = await runConfined<UploadBuilt>({
      module: pathToFileURL(await this.prepare()).href,
      input,
      read: [...input.allowed.roots, ...UPLOAD_MODULE_NEEDS],
      write: [folder],
      memoryBytes: buildMemoryBytes,
      timeoutMs: buildTimeoutMs,
    })
    this.#warnUnless(confined)
    return output
  }

  #warnUnless({ missing }: Confined): void {
    const files = missing.find(({ mechanism }) => mechanism === 'files')
    if (files === undefined || this.#hasWarned) return
    this.#hasWarned = true
    this.#parts.log.warn(
      `uploads are built without the kernel's confinement (${files.why}): paths are checked by the bundler's plugins alone; docs/security.md says what that leaves open`,
    )
  }

  #refusal({ reason, message }: ConfinedRunError): Refusal {
    const { buildTimeoutMs, buildMemoryBytes } = this.#parts.config().deploy
    if (reason === 'timeout')
      return new Refusal('build-failed', `Building it took longer than deploy.buildTimeout, ${buildTimeoutMs} ms`)
    if (reason === 'out-of-memory')
      return new Refusal('build-failed', `Building it needed more than deploy.buildMemory, ${buildMemoryBytes} bytes`)
    return new Refusal('bundler-lost', `The process that builds uploads was lost: ${message}. Deploy it again`)
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= AT_ONCE) await new Promise<void>((resolve) => void this.#waiting.push(resolve))
    else this.#running++
    try {
      return await work()
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#running--
      else next()
    }
  }
}

async function allowedFor(dir: string): Promise<UploadToBuild['allowed']> {
  const packages: string[] = []
  for (const folder of packageFoldersAbove(dir)) {
    const real = await realpath(folder).catch(() => null)
    if (real !== null) packages.push(real)
  }
  return { roots: [dir, ...packages], packages }
}

function packageFoldersAbove(dir: string): string[] {
  const above = dirname(dir)
  return above === dir ? [] : [join(above, 'node_modules'), ...packageFoldersAbove(above)]
}

/** A function's folder may be reached by a link: the confined process knows real paths only. */
function withPlace(source: FunctionSource, from: string, to: string): FunctionSource {
  return { ...source, dir: to, entry: resolve(to, source.entry.slice(from.length).replace(/^\/+/, '')) }
}

async function checkInputs(paths: readonly string[], dir: string, roots: readonly string[]): Promise<void> {
  for (const path of paths) {
    const real = await realpath(path).catch(() => path)
    if (!isInside(real, roots))
      throw new Refusal(
        'build-failed',
        `It imports ${relative(dir, path)}, which is outside of its folder: only packages may be found there`,
      )
  }
}

function refusalOf(result: Extract<UploadBuilt, { ok: false }>): Refusal {
  if ('problem' in result) return new Refusal('build-failed', result.problem)
  const { code, message, frame, file, line } = result.error
  if (isOutside(file)) return new Refusal(code, `It imports a file outside of its folder: ${message}`)
  const place = file === null ? '' : ` (${file}:${line ?? 1})`
  return new Refusal(code, `It does not build: ${message}${place}`, frame === '' ? null : frame)
}

/** As the build tells places: beginning with the function's name where they are in its folder. */
function isOutside(file: string | null): boolean {
  return file !== null && (file.startsWith('..') || file.startsWith('/'))
}
