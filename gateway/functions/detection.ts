/**
 * What a folder is taken for, and why. One table, looked through from the top: what the folder states comes first, then
 * what marks it without ambiguity. A format that only the exports tell is left open (null): the worker that loads the
 * module infers it. `inspect` prints what is found here.
 */
import { access, constants, readdir, readFile } from 'node:fs/promises'
import { basename, dirname, extname, join } from 'node:path'
import type { PlatformSettings } from '../../warmpool/index.ts'
import { type FormatName, type FunctionRuntime, isJavaScript, type ParsedFunctionFile } from '../config/index.ts'
import { azureV3Folders, azureV3Problem } from './azure-v3.ts'
import { decoratorNote } from './decorator-metadata.ts'
import { type FolderLook, fileIn, firstOf } from './folder-look.ts'
import { type LambdaEntry, type LambdaFile, lambdaFile } from './lambda-files.ts'
import { isLambdaAlone } from './lambda-marks.ts'
import { CODE_EXTENSIONS, nodeEntry, nodeProgramEntry } from './node-entry.ts'
import { openfaasStack } from './openfaas-stack.ts'
import { pagesEntry } from './pages-files.ts'
import { apiFiles, pythonFiles, vercelEntry } from './vercel-files.ts'
import type { ModuleRule } from './workers-modules.ts'

/** What runs a function and how its code is meant. */
export interface Identity {
  readonly runtime: FunctionRuntime
  /** Null: inferred from the exports when it is loaded. */
  readonly format: FormatName | null
  /** The export that is called; null: the format's own. */
  readonly handler: string | null
  /** The program to start, for the runtimes that are one. */
  readonly command: readonly string[] | null
  /** What its platform's own files say and its format reads; missing: nothing. */
  readonly platform?: PlatformSettings
  /** What its imports besides code become, where its platform's own files say so. */
  readonly moduleRules?: readonly ModuleRule[]
  /** Why it is taken for that, for people. */
  readonly why: string
}

export interface Detected {
  readonly entry: string
  readonly identity: Identity
  readonly file: ParsedFunctionFile | null
  /** What its author should know of the platform's files. */
  readonly notes: readonly string[]
}

type Found = (Omit<Detected, 'file' | 'notes'> & { readonly notes?: readonly string[] }) | { readonly problem: string }

/** Null: it is none of these. */
type Row = (look: FolderLook) => Promise<Found | null>

const OVERRIDDEN = 'its override in the configuration says so'
const PYTHON_FILES = ['main.py', 'app.py', 'handler.py', 'lambda_function.py', 'index.py', 'function.py']
const OWN_MODULES = ['main', 'index', 'app', 'handler']
const PROGRAMS: readonly FunctionRuntime[] = ['http', 'stdio', 'lambda']

/** A default export, or one for each method: what Vercel calls. */
const MAY_BE_VERCELS =
  /\bexport\s+default\b|\bas\s+default\b|\bmodule\.exports\b|\bexport\b.*\b(?:GET|POST|PUT|PATCH|DELETE)\b/

/** A package that tells what the code is written for. */
const PACKAGES: readonly [name: string, format: FormatName][] = [
  ['@google-cloud/functions-framework', 'gcf'],
  ['@azure/functions', 'azure'],
]

const TABLE: readonly Row[] = [
  async (look) => (look.overridden !== null || isStated(look.file) ? byStatement(look, look.file ?? {}) : null),
  byBootstrap,
  byLambdaFile,
  byOpenFaasStack,
  byAzureV3,
  byPackage,
  byPagesFolder,
  byVercelFolder,
  byPythonFile,
  (look) => ofNode(look, null, 'it has a JavaScript or TypeScript module to start from'),
]

/** What a folder is. Looks at names and data, and reads no code. */
export async function detect(look: FolderLook): Promise<Detected | { readonly problem: string }> {
  for (const row of TABLE) {
    const found = await row(look)
    if (found === null) continue
    if ('problem' in found) return found
    const identity = withWorker(withPayload(found.identity, look.file), look)
    const others = [look.worker?.note ?? null, identity.runtime === 'python' ? null : await decoratorNote(look)]
    const notes = [...(found.notes ?? []), ...others.filter((note) => note !== null)]
    return { ...found, notes, identity, file: look.file }
  }
  throw new Error('The last row of the table finds something or says what is missing')
}

/** What a single file is. */
export function ofFile(
  path: string,
  overridden: FunctionRuntime | null,
): { readonly identity: Identity; readonly file: null } {
  const extension = extname(path)
  const runtime = overridden ?? (extension === '.py' ? 'python' : 'node')
  const identity = {
    runtime,
    format: null,
    handler: null,
    command: null,
    why: overridden === null ? `its name ends in ${extension}` : OVERRIDDEN,
  } as const
  return { identity, file: null }
}

function isStated(file: ParsedFunctionFile | null): file is ParsedFunctionFile {
  return file !== null && [file.format, file.runtime, file.handler, file.command].some((said) => said !== undefined)
}

/** Everything that `function.json` leaves open is found as it would be without it. */
async function byStatement(look: FolderLook, file: ParsedFunctionFile): Promise<Found> {
  const why = look.overridden === null ? 'function.json says so' : OVERRIDDEN
  const runtime =
    look.overridden ?? file.runtime ?? (file.command === undefined ? await impliedRuntime(look, file) : 'http')
  if (PROGRAMS.includes(runtime)) return ofProgram(look, runtime, file.command ?? null, file.handler ?? null, why)
  if (file.command !== undefined) {
    const problem = `${look.name}/function.json has a "command", which the runtime "${runtime}" does not start: leave it out, or say "runtime": "http", "stdio" or "lambda".`
    return { problem }
  }
  const { format = null, handler } = file
  const stated = handler === undefined ? null : splitHandler(handler)
  if (format === 'lambda' && stated === null && runtime === 'node') {
    const named = await byLambdaFile(look)
    if (named !== null) return named
  }
  if (stated === null || stated.module === null) {
    const own = { format, handler: stated?.name ?? null, runtime }
    const isVercel = format === 'vercel' && own.handler === null && 'problem' in (await nodeEntry(look))
    const project = isVercel ? await ofVercelFolder(look, runtime, why) : null
    if (project !== null) return project
    if (runtime === 'python' && format === 'vercel' && own.handler === null && pythonEntry(look) === null) {
      const found = await ofVercelFolder(look, runtime, why)
      if (found !== null) return found
    }
    if (runtime === 'python') return ofPython(look, own.handler, why)
    return isJavaScript(runtime) ? ofNode(look, own, why) : ofOwnRuntime(look, own, why)
  }
  const python = runtime === 'python' ? await pythonModule(look, stated.module) : null
  if (python !== null) return { entry: python, identity: { runtime, format, handler: stated.name, command: null, why } }
  const extensions = await extensionsFor(look, runtime, stated.module)
  for (const extension of extensions) {
    const entry = await fileIn(look.dir, `${stated.module}.${extension}`)
    if (entry !== null) return { entry, identity: { runtime, format, handler: stated.name, command: null, why } }
  }
  const looked = extensions.map((extension) => `.${extension}`).join(', ')
  return {
    problem: `${look.name}/function.json names the handler "${handler}", and there is no ${stated.module} with one of ${looked} in the folder.`,
  }
}

async function impliedRuntime(look: FolderLook, file: ParsedFunctionFile): Promise<FunctionRuntime> {
  const module = file.handler === undefined ? null : splitHandler(file.handler).module
  const isPython = module === null ? await hasOnlyPython(look) : (await pythonModule(look, module)) !== null
  if (isPython) return 'python'
  // What a custom runtime of Lambda is to call, its bootstrap knows by `_HANDLER`, in any language.
  return look.names.has('bootstrap') && !(await hasNodeModule(look, module)) ? 'lambda' : 'node'
}

async function hasNodeModule(look: FolderLook, module: string | null): Promise<boolean> {
  if (module === null) return !('problem' in (await nodeEntry(look)))
  const files = CODE_EXTENSIONS.map((extension) => fileIn(look.dir, `${module}.${extension}`))
  return (await Promise.all(files)).some((file) => file !== null)
}

/** As a path, or as Python itself names it: `site.wsgi`. */
async function pythonModule(look: FolderLook, module: string): Promise<string | null> {
  const path = module.replaceAll('.', '/')
  for (const file of [`${module}.py`, `${path}.py`, `${path}/__init__.py`]) {
    const found = await fileIn(look.dir, file)
    if (found !== null) return found
  }
  return null
}

/** `dir/file.export`, as Lambda writes it, or `site.wsgi:application`, as Python's servers do; a name alone is an export. */
function splitHandler(handler: string): { module: string | null; name: string } {
  const dotAt = handler.lastIndexOf(handler.includes(':') ? ':' : '.')
  return dotAt < 0
    ? { module: null, name: handler }
    : { module: handler.slice(0, dotAt), name: handler.slice(dotAt + 1) }
}

async function byBootstrap(look: FolderLook): Promise<Found | null> {
  if (!look.names.has('bootstrap')) return null
  return ofProgram(look, 'lambda', null, null, 'it has a program named bootstrap, as Lambda starts it')
}

/** The function that a deployment file of Lambda's names, where it names one or one of them is meant. */
async function byLambdaFile(look: FolderLook): Promise<Found | null> {
  const said = await lambdaFile(look.dir, look.names)
  if (said === null) return null
  if ('problem' in said) return withNote(look, `${said.file} cannot be read: ${said.problem}`)
  const { file, entries } = said
  const [only] = entries
  const meant = entries.length === 1 ? only : entries.find(({ name }) => name === look.name)
  if (meant === undefined) return withNote(look, severalHandlers(look, said))
  return ofLambdaEntry(look, file, meant)
}

async function ofLambdaEntry(look: FolderLook, file: string, entry: LambdaEntry): Promise<Found> {
  const { module, name: handler } = splitHandler(entry.handler)
  const isPython = entry.runtime?.startsWith('python') === true
  const isNode = entry.runtime === null || entry.runtime.startsWith('nodejs')
  if (module === null || !(isPython || isNode)) {
    const says = `${look.name}/${file} names the handler "${entry.handler}" for the runtime ${entry.runtime ?? 'of its provider'}`
    return {
      problem: `${says}, which only a program can serve: add an executable bootstrap, or write "command" in ${look.name}/function.json. See docs/programs.md.`,
    }
  }
  const why = `${file} names the handler ${entry.handler}`
  const platform = entry.payload === '1.0' ? { platform: { payload: entry.payload } as const } : {}
  const identity = { format: 'lambda', handler, command: null, why, ...platform } as const
  // A build may write what the file names; the sources are there.
  for (const path of new Set([
    module,
    module.replace(/^(?:dist|build|\.build)\//, ''),
    module.replace(/^(?:dist|build|\.build)\//, 'src/'),
  ])) {
    const python = isPython ? await pythonModule(look, path) : null
    if (python !== null) return { entry: python, identity: { ...identity, runtime: 'python' } }
    for (const extension of isNode ? CODE_EXTENSIONS : []) {
      const found = await fileIn(look.dir, `${path}.${extension}`)
      if (found !== null) return { entry: found, identity: { ...identity, runtime: 'node' } }
    }
  }
  const looked = isPython ? '.py' : CODE_EXTENSIONS.map((extension) => `.${extension}`).join(', ')
  return {
    problem: `${look.name}/${file} names the handler "${entry.handler}", and there is no ${module} with one of ${looked} in the folder. Correct it there, or write { "format": "lambda", "handler": "FILE.EXPORT" } in ${look.name}/function.json.`,
  }
}

/** The folder as it is without that file, with a sentence about it; the sentence alone where it is nothing else. */
async function withNote(look: FolderLook, note: string): Promise<Found | null> {
  const found =
    pythonEntry(look) === null
      ? await ofNode(look, null, 'it has a JavaScript or TypeScript module to start from')
      : await byPythonFile(look)
  if (found === null) return null
  return 'problem' in found ? { problem: `${look.name}/: ${note}` } : { ...found, notes: [note] }
}

function severalHandlers(look: FolderLook, { file, entries }: LambdaFile): string {
  const lines = entries
    .map(({ name, handler }) => `${name}: { "format": "lambda", "handler": "${handler}" }`)
    .join('; ')
  return `${file} names ${entries.length} functions, and a folder here is one. Say in ${look.name}/function.json which it is (${lines}), and copy the folder under another name for each of the others`
}

/** What its own configuration says of a Worker: its variables, and what its imports besides code become. */
function withWorker(identity: Identity, { worker }: FolderLook): Identity {
  const { format, runtime } = identity
  if (worker === null || !isJavaScript(runtime) || (format !== null && format !== 'fetch')) return identity
  const { vars, rules } = worker
  return {
    ...identity,
    ...(Object.keys(vars).length > 0 && { platform: { ...identity.platform, vars } }),
    ...(rules.length > 0 && { moduleRules: rules }),
  }
}

/** What `function.json` says of the payload wins over what a deployment file says. */
function withPayload(identity: Identity, file: ParsedFunctionFile | null): Identity {
  if (file?.payload === undefined) return identity
  return { ...identity, platform: { ...identity.platform, payload: file.payload } }
}

async function byPackage(look: FolderLook): Promise<Found | null> {
  const found = PACKAGES.find(([name]) => look.package?.dependencies.has(name) === true)
  if (found === undefined) return null
  const own = { format: found[1], handler: null, runtime: 'node' } as const
  const why = `package.json depends on ${found[0]}`
  return found[1] === 'gcf' ? ofGoogle(look, why) : ofNode(look, own, why)
}

/** Target and signature as a script says them to the framework: `functions-framework --target=hello`. */
async function ofGoogle(look: FolderLook, why: string): Promise<Found> {
  const script = look.package?.scripts.find((one) => one.includes('functions-framework')) ?? ''
  const said = (option: string): string | null => new RegExp(`--${option}[= ]["']?([\\w.-]+)`).exec(script)?.[1] ?? null
  const signature = said('signature-type')
  const found = await ofNode(look, { format: 'gcf', handler: said('target'), runtime: 'node' }, why)
  if ('problem' in found || signature === null) return found
  return { ...found, identity: { ...found.identity, platform: { signature } } }
}

/** The function that OpenFaaS's own file names, where it names one or one of them is meant. */
async function byOpenFaasStack(look: FolderLook): Promise<Found | null> {
  const said = await openfaasStack(look.dir, look.names)
  if (said === null) return null
  if ('problem' in said) return withNote(look, `${said.file} cannot be read: ${said.problem}`)
  const { file, functions } = said
  const meant = functions.length === 1 ? functions[0] : functions.find(({ name }) => name === look.name)
  if (meant === undefined) {
    const folders = functions.map(({ folder }) => `${look.name}/${folder}`).join(', ')
    return withNote(
      look,
      `${file} names ${functions.length} functions, and a folder here is one: copy each of their folders (${folders}) into the folder of functions, with { "format": "openfaas" } in its function.json`,
    )
  }
  const { folder, language, template } = meant
  const isPython = language === 'python'
  const extensions = isPython ? ['py'] : language === 'node' ? CODE_EXTENSIONS : []
  for (const extension of extensions) {
    const entry = await fileIn(look.dir, join(folder, `handler.${extension}`))
    const why = `${file} names its folder ${folder} for the template ${template}`
    const identity = {
      runtime: isPython ? 'python' : 'node',
      format: 'openfaas',
      handler: null,
      command: null,
      why,
    } as const
    if (entry !== null) return { entry, identity }
  }
  const advice =
    extensions.length === 0
      ? `the template ${template} is not served: build it as a program, and write its "command" in ${look.name}/function.json`
      : `there is no handler.${extensions[0]} in ${folder}`
  return withNote(look, `${file} names the function ${meant.name}, and ${advice}`)
}

/** An app of Azure's older model names no module: each of its functions is a folder. */
async function byAzureV3(look: FolderLook): Promise<Found | null> {
  if (!look.names.has('host.json') || look.package?.main != null) return null
  const folders = await azureV3Folders(look.dir)
  return folders.length === 0 ? null : { problem: azureV3Problem(look.name, folders) }
}

/** A project of Pages may have a module for another purpose, and then says with its own configuration what it is. */
async function byPagesFolder(look: FolderLook): Promise<Found | null> {
  if (!look.names.has('functions')) return null
  const isSaid = look.worker?.isPages === true
  if (!isSaid && (pythonEntry(look) !== null || !('problem' in (await nodeEntry(look))))) return null
  const entry = await pagesEntry(look.dir)
  if (entry === null) return null
  const why = isSaid
    ? `${look.worker?.file} makes it a project of Pages, and it has a functions folder`
    : 'it has a functions folder of Pages and no module to start from'
  return { entry, identity: { runtime: 'node', format: 'fetch', handler: null, command: null, why } }
}

/** A project of Vercel's may have a module for another purpose, and then says with vercel.json what it is. */
async function byVercelFolder(look: FolderLook): Promise<Found | null> {
  if (!look.names.has('api')) return null
  const isSaid = look.names.has('vercel.json')
  if (!isSaid && (pythonEntry(look) !== null || !('problem' in (await nodeEntry(look))))) return null
  const why = isSaid ? 'it has vercel.json and an api folder' : 'it has an api folder and no module to start from'
  const lambda = isSaid ? null : await lambdaInApi(look)
  if (lambda !== null) return lambda
  return ofVercelFolder(look, 'node', why)
}

/** Lambda functions lie in an `api` folder as well: their modules export `handler` and nothing that Vercel would call. */
async function lambdaInApi(look: FolderLook): Promise<Found | null> {
  const files = await apiFiles(look.dir)
  const lambdas: string[] = []
  for (const file of files) {
    const text = await readFile(join(look.dir, file), 'utf8').catch(() => '')
    if (await isLambdaAlone(file, text, null).catch(() => false)) lambdas.push(file)
    else if (MAY_BE_VERCELS.test(text)) return null
  }
  const [only] = lambdas
  if (only === undefined) return null
  if (lambdas.length > 1) {
    const handlers = lambdas.map((file) => `"${file.slice(0, -extname(file).length)}.handler"`).join(' or ')
    return {
      problem: `${look.name}/ has Lambda functions in its api folder. Say in ${look.name}/function.json which one it is: "handler": ${handlers}, and copy the folder under another name for each of the others.`,
    }
  }
  const why = `${only} exports a Lambda handler and nothing in its api folder is a function of Vercel's`
  return {
    entry: join(look.dir, only),
    identity: { runtime: 'node', format: 'lambda', handler: null, command: null, why },
  }
}

async function ofVercelFolder(look: FolderLook, runtime: FunctionRuntime, why: string): Promise<Found | null> {
  const entry = runtime === 'python' ? null : await vercelEntry(look.dir)
  const python = await pythonFiles(look.dir)
  if (entry === null) return python.length === 0 ? null : ofVercelPython(look, python, why)
  const notes = python.length === 0 ? [] : [bothLanguages(look.name, python)]
  return { entry, notes, identity: { runtime, format: 'vercel', handler: null, command: null, why } }
}

/** One module is the whole function, as it is with a framework; of several the path chooses. */
function ofVercelPython(look: FolderLook, files: readonly string[], why: string): Found {
  const identity = { runtime: 'python', handler: null, command: null, why } as const
  const [only] = files
  if (files.length === 1) return { entry: join(look.dir, only!), identity: { ...identity, format: 'vercel' } }
  return { entry: join(look.dir, 'api'), identity: { ...identity, format: 'vercel', platform: { files } } }
}

function bothLanguages(name: string, python: readonly string[]): string {
  return `${python.join(', ')}: one function runs in one language, so these are not served. Copy the folder under another name with { "runtime": "python", "format": "vercel" } in ${name}-python/function.json`
}

async function byPythonFile(look: FolderLook): Promise<Found | null> {
  if (!(await hasOnlyPython(look))) return null
  return ofPython(look, null, 'it has a Python module to start from and no JavaScript one')
}

async function hasOnlyPython(look: FolderLook): Promise<boolean> {
  return pythonEntry(look) !== null && 'problem' in (await nodeEntry(look))
}

function pythonEntry(look: FolderLook): string | null {
  return firstOf(look, [...PYTHON_FILES, `${look.name}.py`])
}

function ofPython(look: FolderLook, handler: string | null, why: string): Found {
  const entry = pythonEntry(look)
  if (entry === null) {
    const looked = [...PYTHON_FILES, `${look.name}.py`].join(', ')
    return {
      problem: `${look.name}/ has no Python module to start from: looked for ${looked}. Name it in function.json: "handler": "module.function".`,
    }
  }
  return {
    entry,
    identity: { runtime: 'python', format: null, handler, command: null, why: `${why} (${basename(entry)})` },
  }
}

async function ofNode(
  look: FolderLook,
  stated: Pick<Identity, 'format' | 'handler' | 'runtime'> | null,
  why: string,
): Promise<Found> {
  const found = await nodeProgramEntry(look)
  if ('problem' in found) return found
  const { format, handler, runtime } = stated ?? { format: null, handler: null, runtime: 'node' as const }
  const named = found.namedBy === null ? '' : `, which ${found.namedBy} names as its main`
  return { entry: found.entry, identity: { runtime, format, handler, command: null, why: `${why}${named}` } }
}

/** A language that only the operator knows: a module by one of the usual names, else the folder itself. */
async function ofOwnRuntime(
  look: FolderLook,
  stated: Pick<Identity, 'format' | 'handler' | 'runtime'>,
  why: string,
): Promise<Found> {
  const names = [...look.names].sort()
  const found = [...OWN_MODULES, look.name].flatMap((module) => names.filter((name) => isModule(name, module)))[0]
  const entry = found === undefined ? look.dir : join(look.dir, found)
  return { entry, identity: { ...stated, command: null, why: found === undefined ? why : `${why} (${found})` } }
}

/** What the module of a handler may end in; of a runtime of the operator's own whatever is there. */
async function extensionsFor(look: FolderLook, runtime: FunctionRuntime, module: string): Promise<readonly string[]> {
  if (runtime === 'python') return ['py']
  if (isJavaScript(runtime)) return CODE_EXTENSIONS
  const names = await readdir(join(look.dir, dirname(module))).catch(() => [])
  return names
    .filter((name) => isModule(name, basename(module)))
    .map((name) => extname(name).slice(1))
    .sort()
}

function isModule(name: string, module: string): boolean {
  return (
    name.startsWith(`${module}.`) && extname(name).length > 1 && name.length === module.length + extname(name).length
  )
}

async function ofProgram(
  look: FolderLook,
  runtime: FunctionRuntime,
  stated: readonly string[] | null,
  handler: string | null,
  why: string,
): Promise<Found> {
  const command = stated ?? (runtime === 'lambda' ? ['./bootstrap'] : null)
  if (command === null) {
    const example = `"command": ["python3", "server.py"]`
    return {
      problem: `${look.name}/function.json says "runtime": "${runtime}" and no "command": add the program to start, such as ${example}.`,
    }
  }
  const file = command[0]!.startsWith('./') ? join(look.dir, command[0]!) : null
  if (file !== null && !(await isExecutable(file))) {
    return {
      problem: `${look.name}/${basename(file)} is not there or cannot be executed: add it, or run chmod +x on it.`,
    }
  }
  return { entry: look.dir, identity: { runtime, format: null, handler, command, why } }
}

async function isExecutable(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  )
}
