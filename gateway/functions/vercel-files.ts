/**
 * The module to start from for a Vercel project, whose `api` folder holds a function a file: one that imports them all
 * and exports them by their paths, from which the runtime chooses (warmpool/runtimes/node/formats/vercel-files.ts).
 */
import { readdir } from 'node:fs/promises'
import { join, relative } from 'node:path'

const CODE_FILE = /\.(?:[cm]?[jt]s|[jt]sx)$/
const NOT_A_FUNCTION = /\.d\.[cm]?ts$/
/** Names with these in front are helpers and hidden files there, and in packages. */
const LEFT_OUT = /(?:^|\/)(?:[._]|node_modules\/)/

/** Its text; null when there is no `api` folder, or nothing in it. */
export async function vercelFilesModule(dir: string): Promise<string | null> {
  const files = await apiFiles(dir)
  if (files.length === 0) return null
  const imports = files.map((file, at) => `import * as file${at} from ${JSON.stringify(`./${file}`)}`)
  const rows = files.map((file, at) => `  ${JSON.stringify(file.replace(CODE_FILE, ''))}: file${at},`)
  return `${imports.join('\n')}\nexport const vercelFiles = {\n${rows.join('\n')}\n}\n`
}

async function apiFiles(dir: string): Promise<string[]> {
  const entries = await readdir(join(dir, 'api'), { recursive: true, withFileTypes: true }).catch(() => [])
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(dir, join(entry.parentPath, entry.name)))
    .filter((path) => CODE_FILE.test(path) && !NOT_A_FUNCTION.test(path) && !LEFT_OUT.test(path))
    .sort()
}
