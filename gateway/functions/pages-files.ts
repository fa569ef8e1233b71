/**
 * Projects of Cloudflare Pages, whose `functions` folder holds a function a file. Such a folder starts from `functions`
 * itself, which is built as a module that imports all the files and exports them by their paths; the runtime chooses
 * among them (warmpool/runtimes/node/formats/pages-files.ts). Each file's path is a route, but for those at the root.
 */
import { readdir, readFile } from 'node:fs/promises'
import { basename, dirname, join, relative } from 'node:path'
import type { Plugin } from 'esbuild'
import { VIRTUAL } from './platform-modules.ts'

const CODE_FILE = /\.(?:[cm]?[jt]s|[jt]sx)$/
const NOT_A_FUNCTION = /\.(?:d\.[cm]?ts|(?:test|spec)\.[^./]+)$/
const LEFT_OUT = /(?:^|\/)(?:\.|node_modules\/)/
const EXPORTS_HANDLER = /\bonRequest(?:Get|Head|Post|Put|Patch|Delete|Options)?\b/
const FOLDER = 'functions'

/** The folder to start from; null where no file of it is a function of Pages. */
export async function pagesEntry(dir: string): Promise<string | null> {
  return (await pagesFiles(dir)).length === 0 ? null : join(dir, FOLDER)
}

/** Whether a function's entry is such a folder. */
export function isPagesEntry(entry: string): boolean {
  return basename(entry) === FOLDER
}

/** A route for each file whose first segment is a name: `functions/users/[id].js` is `/users/:id`. */
export async function pagesRoutes(dir: string): Promise<string[]> {
  const routes = (await pagesFiles(dir)).filter((file) => !/(?:^|\/)_middleware\./.test(file)).map(routeOf)
  return [...new Set(routes.flatMap((route) => (/^\/[^:*]/.test(route) ? route : [])))]
}

/** Makes a build whose entry is such a folder. */
export function pagesModule(entry: string): Plugin {
  const dir = dirname(entry)
  return {
    name: 'pages-files',
    setup(build) {
      build.onResolve({ filter: /.*/ }, ({ kind }) => {
        return kind === 'entry-point' ? { path: FOLDER, namespace: VIRTUAL } : undefined
      })
      build.onLoad({ filter: /^functions$/, namespace: VIRTUAL }, async () => {
        const files = await pagesFiles(dir)
        const imports = files.map((file, at) => `import * as file${at} from ${JSON.stringify(`./${FOLDER}/${file}`)}`)
        const rows = files.map((file, at) => `  ${JSON.stringify(file.replace(CODE_FILE, ''))}: file${at},`)
        const contents = `${imports.join('\n')}\nexport const pagesFiles = {\n${rows.join('\n')}\n}\n`
        return { contents, loader: 'js', resolveDir: dir }
      })
    },
  }
}

function routeOf(file: string): string {
  const segments = file
    .replace(CODE_FILE, '')
    .replace(/(?:^|\/)index$/, '')
    .split('/')
  const end = segments.findIndex((segment) => segment.startsWith('[['))
  const fixed = (end < 0 ? segments : segments.slice(0, end)).map((segment) => {
    const parameter = /^\[([^[\]]+)\]$/.exec(segment)?.[1]
    return parameter === undefined ? segment : `:${parameter.replace(/\W/g, '_')}`
  })
  return `/${(end < 0 ? fixed : [...fixed, '*']).join('/')}`
}

/** The modules that export a function of Pages: paths relative to `functions`, sorted. Others are helpers. */
async function pagesFiles(dir: string): Promise<string[]> {
  const folder = join(dir, FOLDER)
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .filter((path) => CODE_FILE.test(path) && !NOT_A_FUNCTION.test(path) && !LEFT_OUT.test(path))
    .sort()
  const texts = await Promise.all(paths.map((path) => readFile(join(folder, path), 'utf8').catch(() => '')))
  return paths.filter((_, at) => EXPORTS_HANDLER.test(texts[at]!))
}
