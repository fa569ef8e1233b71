/** A folder as somebody has it who uses the gateway: functions, and a configuration. Real, and gone afterwards. */
import {
  cpSync,
  lchownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** By name: the source of a single file (`hello` and `hello.js` mean the same), or a folder's files by their paths. */
export type Functions = Readonly<Record<string, string | Readonly<Record<string, string>>>>

/** A function that lies somewhere: a folder, or one file of it. */
export interface Copied {
  readonly from: string
  readonly file?: string
}

const CONFIG_FILE = 'wrangler-free.config.json'

export class Project {
  readonly folder = realpathSync(mkdtempSync(join(tmpdir(), 'wrangler-free-e2e-')))
  readonly configFile = join(this.folder, CONFIG_FILE)

  constructor(functions: Functions, config: object) {
    mkdirSync(this.path('functions'))
    for (const [name, source] of Object.entries(functions)) {
      if (typeof source === 'string') this.write(sourceFile(name), source)
      else for (const [file, content] of Object.entries(source)) this.write(`functions/${name}/${file}`, content)
    }
    this.configure(config)
  }

  /** As after an install: the packages of the repository are there for functions to import. */
  installPackages(): void {
    symlinkSync(fileURLToPath(new URL('../../node_modules', import.meta.url)), this.path('node_modules'))
  }

  /** Files named `corpus.json` stay behind, and `_node_modules` becomes `node_modules`, which Git would not keep. */
  copyIn(name: string, { from, file }: Copied): void {
    if (file !== undefined) return cpSync(join(from, file), this.path(`functions/${name}${extname(file)}`))
    const to = this.path(`functions/${name}`)
    cpSync(from, to, { recursive: true, verbatimSymlinks: true, filter: (path) => basename(path) !== 'corpus.json' })
    const kept = readdirSync(to, { recursive: true }) as string[]
    for (const path of kept.filter((one) => basename(one) === '_node_modules'))
      renameSync(join(to, path), join(to, dirname(path), 'node_modules'))
  }

  path(file: string): string {
    return join(this.folder, file)
  }

  write(file: string, content: string): void {
    mkdirSync(dirname(this.path(file)), { recursive: true })
    writeFileSync(this.path(file), content)
  }

  delete(file: string): void {
    rmSync(this.path(file))
  }

  /** Text is written as it is; in an object's texts `<folder>` stands for this folder. */
  configure(config: object | string): void {
    const text = typeof config === 'string' ? config : JSON.stringify(config).replaceAll('<folder>', this.folder)
    this.write(CONFIG_FILE, text)
  }

  /** All in it becomes another user's. */
  giveTo(user: number): void {
    for (const path of ['.', ...(readdirSync(this.folder, { recursive: true }) as string[])])
      lchownSync(this.path(path), user, user)
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 })
  }
}

function sourceFile(name: string): string {
  return `functions/${name}${/^\.[cm]?[jt]sx?$/.test(extname(name)) ? '' : '.js'}`
}
