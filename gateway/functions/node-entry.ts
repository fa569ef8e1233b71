/** Which module of a folder a JavaScript function starts from: stated in `package.json`, or by convention. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type FolderLook, fileIn, firstOf } from './folder-look.ts'

export const CODE_EXTENSIONS = ['ts', 'mts', 'tsx', 'js', 'mjs', 'cjs', 'cts', 'jsx']
const CODE_FILE = /\.(?:[cm]?[jt]s|[jt]sx)$/

/** Absolute path of the module, or why there is none. */
export async function nodeEntry(look: FolderLook): Promise<{ entry: string } | { problem: string }> {
  const stated = [look.package?.module, look.package?.main].filter((path) => typeof path === 'string')
  for (const path of stated) {
    const entry = CODE_FILE.test(path) ? await fileIn(look.dir, path) : null
    if (entry !== null) return { entry }
  }
  const entry = await conventional(look)
  return entry === null ? { problem: noEntry(look.name, stated[0]) } : { entry }
}

async function conventional(look: FolderLook): Promise<string | null> {
  const files = (name: string): string[] => CODE_EXTENSIONS.map((extension) => `${name}.${extension}`)
  const index = firstOf(look, files('index'))
  if (index !== null) return index
  if (look.names.has('src')) {
    const dir = join(look.dir, 'src')
    const inSrc = firstOf({ ...look, dir, names: new Set(await readdir(dir).catch(() => [])) }, files('index'))
    if (inSrc !== null) return inSrc
  }
  return firstOf(look, [...files(look.name), ...files('handler')])
}

function noEntry(name: string, missing: string | undefined): string {
  const looked = `index.{ts,mts,tsx,js,mjs,cjs}, src/index.*, ${name}.* and handler.*`
  const stated = missing === undefined ? '' : ` package.json names ${missing}, which is not a file in the folder.`
  return `${name}/ has no module to start from:${stated} Looked for ${looked}. Add one, or name it as "main" in ${name}/package.json, or say in ${name}/function.json what the folder is.`
}
