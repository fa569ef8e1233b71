/**
 * Vercel projects, whose `api` folder holds a function a file. Such a folder starts from `api` itself, which is built as
 * a module that imports all the files and exports them by their paths; the runtime chooses among them
 * (warmpool/runtimes/node/formats/vercel-files.ts). Each file's path is a route.
 */
import { readdir, readFile } from 'node:fs/promises'
import { basename, dirname, join, relative } from 'node:path'
import type { Plugin } from 'esbuild'
import { VIRTUAL } from './platform-modules.ts'

const CODE_FILE = /\.(?:[cm]?[jt]s|[jt]sx)$/
const NOT_A_FUNCTION = /\.(?:d\.[cm]?ts|(?:test|spec)\.[^./]+)$/
/** What Vercel calls: a class or a function `handler`, or an app. Other modules are helpers. */
const PYTHON_FUNCTION = /^(?:class |(?:async )?def )?(?:handler|app|application)\s*[(:=]/m
/** Names with these in front are helpers and hidden files there, and in packages. */
const LEFT_OUT = /(?:^|\/)(?:[._]|node_modules\/)/
const FOLDER = 'api'

/** The folder to start from; null when there is none, or no function in it. */
export async function vercelEntry(dir: string): Promise<string | null> {
  return (await apiFiles(dir)).length === 0 ? null : join(dir, FOLDER)
}

/** Whether a function's entry is such a folder. */
export function isVercelEntry(entry: string): boolean {
  return basename(entry) === FOLDER
}

/** The text of the module; null when there is no `api` folder, or nothing in it. */
export async function vercelFilesModule(dir: string): Promise<string | null> {
  const files = await apiFiles(dir)
  if (files.length === 0) return null
  const imports = files.map((file, at) => `import * as file${at} from ${JSON.stringify(`./${file}`)}`)
  const rows = files.map((file, at) => `  ${JSON.stringify(withoutEnding(file))}: file${at},`)
  return `${imports.join('\n')}\nexport const vercelFiles = {\n${rows.join('\n')}\n}\n`
}

/** A route for each file: `api/users/[id].ts` is `/api/users/:id`. */
export async function vercelRoutes(dir: string, isPython = false): Promise<string[]> {
  const files = isPython ? await pythonFiles(dir) : await apiFiles(dir)
  return [...new Set(files.map((file) => routeOf(withoutEnding(file))))]
}

/** The functions in Python of an `api` folder: paths relative to `dir`, sorted. */
export async function pythonFiles(dir: string): Promise<string[]> {
  const files = (await filesIn(dir)).filter((path) => path.endsWith('.py') && !LEFT_OUT.test(path))
  const texts = await Promise.all(files.map((path) => readFile(join(dir, path), 'utf8').catch(() => '')))
  return files.filter((_, at) => PYTHON_FUNCTION.test(texts[at]!))
}

/** Makes a build whose entry is such a folder. */
export function vercelFiles(entry: string): Plugin {
  const dir = dirname(entry)
  return {
    name: 'vercel-files',
    setup(build) {
      build.onResolve({ filter: /.*/ }, ({ kind }) => {
        return kind === 'entry-point' ? { path: FOLDER, namespace: VIRTUAL } : undefined
      })
      build.onLoad({ filter: /^api$/, namespace: VIRTUAL }, async () => {
        return { contents: (await vercelFilesModule(dir)) ?? '', loader: 'js', resolveDir: dir }
      })
    },
  }
}

function routeOf(path: string): string {
  const segments = path.replace(/\/index$/, '').split('/')
  const end = segments.findIndex((segment) => /^\[\[?\.\.\./.test(segment))
  const fixed = (end < 0 ? segments : segments.slice(0, end)).map((segment) => {
    const parameter = /^\[([^[\]]+)\]$/.exec(segment)?.[1]
    return parameter === undefined ? segment : `:${parameter.replace(/\W/g, '_')}`
  })
  return `/${(end < 0 ? fixed : [...fixed, '*']).join('/')}`
}

function withoutEnding(file: string): string {
  return file.replace(CODE_FILE, '').replace(/\.py$/, '')
}

/** The modules in the `api` folder that are functions: paths relative to `dir`, sorted. */
export async function apiFiles(dir: string): Promise<string[]> {
  const files = await filesIn(dir)
  return files.filter((path) => CODE_FILE.test(path) && !NOT_A_FUNCTION.test(path) && !LEFT_OUT.test(path))
}

async function filesIn(dir: string): Promise<string[]> {
  const entries = await readdir(join(dir, FOLDER), { recursive: true, withFileTypes: true }).catch(() => [])
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(dir, join(entry.parentPath, entry.name)))
    .sort()
}
