/**
 * Which module of a folder a JavaScript function starts from: stated by a Worker's own configuration or `package.json`,
 * or by convention. Names that a folder of another kind may have as well (`app.js` beside a Flask app) count last.
 */
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { isPattern, modulesOf } from './azure-entry.ts'
import { type FolderLook, fileIn, firstOf } from './folder-look.ts'

export const CODE_EXTENSIONS = ['ts', 'mts', 'tsx', 'js', 'mjs', 'cjs', 'cts', 'jsx']
const CODE_FILE = /\.(?:[cm]?[jt]s|[jt]sx)$/
/** What Deno's and Node's own examples are called. */
const PROGRAM_NAMES = ['main', 'app', 'server', 'mod']
const NETLIFY_FOLDER = 'netlify/functions'
const SUPABASE_FOLDER = 'supabase/functions'

export interface NodeEntry {
  readonly entry: string
  /** The file that names it, where that is not `package.json`; null by convention. */
  readonly namedBy: string | null
}

/** The module that the folder starts from, whatever else is in it; or why there is none. */
export async function nodeEntry(look: FolderLook): Promise<NodeEntry | { problem: string }> {
  const stated = [look.package?.module, look.package?.main].filter((path) => typeof path === 'string')
  const main = look.worker?.main ?? null
  const worker = main === null ? null : await fileIn(look.dir, main)
  if (worker !== null && CODE_FILE.test(worker)) return { entry: worker, namedBy: look.worker!.file }
  for (const path of stated) {
    if (isPattern(path) && modulesOf(look.dir, path).length > 0)
      return { entry: join(look.dir, 'package.json'), namedBy: null }
    const entry = await mainFile(look.dir, path)
    if (entry !== null) return { entry, namedBy: null }
  }
  const entry = await conventional(look)
  return entry === null ? { problem: await noEntry(look, stated[0]) } : { entry, namedBy: null }
}

/** As Node resolves a `main`: a file, one without its ending, or a folder with an index. Null: no module of ours. */
async function mainFile(dir: string, path: string): Promise<string | null> {
  if (CODE_FILE.test(path)) {
    const file = await fileIn(dir, path)
    if (file !== null) return file
  }
  for (const name of [...files(path), ...files(join(path, 'index'))]) {
    const file = await fileIn(dir, name)
    if (file !== null) return file
  }
  return null
}

/** The same where nothing says that the folder is of another kind. */
export async function nodeProgramEntry(look: FolderLook): Promise<NodeEntry | { problem: string }> {
  const found = await nodeEntry(look)
  const names = [...PROGRAM_NAMES, 'lambda', 'function'].flatMap(files)
  const entry =
    'problem' in found ? (firstOf(look, names) ?? (await firstInSrc(look, [...names, ...files('handler')]))) : null
  return entry === null ? found : { entry, namedBy: null }
}

/** Of a site whose functions are further down; null: it is none. */
export async function netlifyFolder({ dir, names }: FolderLook): Promise<string | null> {
  if (!names.has('netlify')) return null
  const inside = await readdir(join(dir, NETLIFY_FOLDER)).catch(() => [])
  return inside.length === 0 ? null : NETLIFY_FOLDER
}

async function conventional(look: FolderLook): Promise<string | null> {
  const index = firstOf(look, files('index'))
  if (index !== null) return index
  return (await firstInSrc(look, files('index'))) ?? firstOf(look, [...files(look.name), ...files('handler')])
}

async function firstInSrc(look: FolderLook, names: readonly string[]): Promise<string | null> {
  if (!look.names.has('src')) return null
  const dir = join(look.dir, 'src')
  return firstOf({ ...look, dir, names: new Set(await readdir(dir).catch(() => [])) }, names)
}

async function unusable(dir: string, path: string): Promise<string> {
  if ((await fileIn(dir, path)) !== null) return `${path}, which is not JavaScript or TypeScript.`
  const seen = await stat(join(dir, path)).catch(() => null)
  return seen?.isDirectory() === true
    ? `${path}, which is a folder without an index.`
    : `${path}, which is not a file in the folder.`
}

function files(name: string): string[] {
  return CODE_EXTENSIONS.map((extension) => `${name}.${extension}`)
}

async function noEntry(look: FolderLook, missing: string | undefined): Promise<string> {
  const { name, worker } = look
  const netlify = await netlifyFolder(look)
  if (netlify !== null)
    return `${name}/ is a site of Netlify's, whose functions are in ${name}/${netlify}: copy each of them into the folder of functions, or serve that one with --functions.`
  if (look.names.has('supabase') && (await readdir(join(look.dir, SUPABASE_FOLDER)).catch(() => [])).length > 0)
    return `${name}/ is a project of Supabase's, whose functions are in ${name}/${SUPABASE_FOLDER}: serve that folder with --functions, so that they share its _shared folder.`
  const looked = `index.{ts,mts,tsx,js,mjs,cjs}, src/index.*, ${name}.*, handler.*, main.*, app.*, server.*, mod.*, lambda.*, function.*, and the same in src/`
  const inPackage = missing === undefined ? '' : ` package.json names ${await unusable(look.dir, missing)}`
  const main = worker?.main ?? null
  const inWorker = main === null ? '' : ` ${worker!.file} names ${await unusable(look.dir, main)}`
  return `${name}/ has no module to start from:${inWorker}${inPackage} Looked for ${looked}. Add one, or name it as "main" in ${name}/package.json, or say in ${name}/function.json what the folder is.`
}
