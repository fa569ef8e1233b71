/**
 * All formats of this runtime, in the order in which their marks are looked for. A new format is a row here. A row is
 * small and there in every blank; what it opens is read only by a worker that needs it, since most need one of them.
 */
import type { Load } from '../../../wire/messages.ts'
import { azureApp } from './azure-app.ts'
import { fetchFormat, objectWithFetch } from './fetch.ts'
import type { Exports, Format, Handler } from './format.ts'
import { registeredFunctions } from './gcf-registry.ts'
import { holdListen, releaseListen } from './held-listen.ts'
import { prepareLambda } from './lambda-environment.ts'
import { DEFAULT_EXPORT, findHandler } from './lambda-handler.ts'
import { methodsFormat } from './methods.ts'
import { installNetlifyGlobal, isNetlify } from './netlify-global.ts'
import { isNodeMarked } from './node-marks.ts'
import { installPlatformGlobals } from './platform-globals.ts'
import { taskFormat } from './task.ts'

interface Row {
  readonly name: string
  /** There is no module to import: the function is a program, which its handler starts. */
  readonly isProgram?: true
  /** Never chosen by the exports alone. */
  readonly isStated?: true
  /** Before the module is imported: the globals that it may look for. Also called where no format is stated. */
  prepare?(load: Load): void
  /** Another format was chosen: undoes what `prepare` did that others must not see. */
  dismiss?(): void
  /** The exports bear its unambiguous marks. */
  isMarked(exports: Exports): boolean
  open(): Format | Promise<Format>
}

const FORMATS: readonly Row[] = [
  {
    name: 'azure',
    isMarked: () => azureApp() !== null,
    open: async () => (await import('./azure.ts')).azureFormat,
  },
  always(methodsFormat),
  {
    name: 'lambda',
    prepare: prepareLambda,
    // Beside a default export with `fetch`, which is what the whole module is, it is one way to run it among others.
    isMarked: (exports) => findHandler(exports, DEFAULT_EXPORT) !== null && objectWithFetch(exports) === null,
    open: async () => (await import('./lambda.ts')).lambdaFormat,
  },
  {
    name: 'node',
    prepare: holdListen,
    dismiss: releaseListen,
    // A router may answer to any name, `listen` among them: what has `fetch` is meant by that.
    isMarked: (exports) => objectWithFetch(exports) === null && isNodeMarked(exports),
    open: async () => (await import('./node.ts')).nodeFormat,
  },
  {
    name: 'gcf',
    isMarked: () => registeredFunctions() !== null,
    open: async () => (await import('./gcf.ts')).gcfFormat,
  },
  {
    name: 'netlify',
    prepare: installNetlifyGlobal,
    isMarked: isNetlify,
    open: async () => (await import('./netlify.ts')).netlifyFormat,
  },
  { ...always(fetchFormat), prepare: installPlatformGlobals },
  {
    name: 'openfaas',
    isStated: true,
    isMarked: () => false,
    open: async () => (await import('./openfaas.ts')).openfaasFormat,
  },
  {
    name: 'vercel',
    isStated: true,
    isMarked: () => false,
    open: async () => (await import('./vercel.ts')).vercelFormat,
  },
  { ...always(taskFormat), isStated: true },
  program('http', async () => (await import('./http.ts')).httpFormat),
  program('stdio', async () => (await import('./stdio.ts')).stdioFormat),
  program('bootstrap', async () => (await import('./bootstrap.ts')).bootstrapFormat),
]

export interface Chosen {
  readonly format: Format
  readonly handler: Handler
}

export function isProgram(load: Load): boolean {
  return FORMATS.some((row) => row.name === load.format && row.isProgram === true)
}

/** To be called before the function's module is imported. */
export function prepareFormats(load: Load): void {
  for (const row of FORMATS) if (load.format === null || load.format === row.name) row.prepare?.(load)
}

/** Finds the handler. Throws an error that says what the module exports and what it could. */
export async function chooseFormat(exports: Exports, load: Load): Promise<Chosen> {
  const row = load.format === null ? FORMATS.find((one) => one.isMarked(exports)) : stated(load.format)
  for (const other of FORMATS) if (other !== row) other.dismiss?.()
  const format = await row?.open()
  const handler = await format?.handler(exports, load)
  if (format === undefined || handler === null || handler === undefined)
    throw new TypeError(await noHandler(exports, format))
  return { format, handler }
}

function stated(name: string): Row {
  const row = FORMATS.find((one) => one.name === name)
  if (row === undefined) throw new TypeError(`Unknown format "${name}" for JavaScript. There are: ${formatNames()}`)
  return row
}

/** A program is a runtime in the author's eyes. */
function formatNames(): string {
  return FORMATS.flatMap((row) => (row.isProgram === true ? [] : row.name)).join(', ')
}

/** A row of what every blank has read already. */
function always(format: Format): Row {
  return { name: format.name, isMarked: (exports) => format.isMarked(exports), open: () => format }
}

function program(name: string, open: Row['open']): Row {
  return { name, isProgram: true, isStated: true, isMarked: () => false, open }
}

async function noHandler(exports: Exports, format: Format | undefined): Promise<string> {
  const names = Object.keys(exports)
  const found =
    names.length === 0
      ? 'exports nothing'
      : `exports ${names.map((name) => `${name} (${typeof exports[name]})`).join(', ')}`
  const unstated = FORMATS.filter((row) => row.isStated !== true)
  const candidates = format === undefined ? await Promise.all(unstated.map((row) => row.open())) : [format]
  return `No handler found: the module ${found}. Export one of: ${candidates.map((one) => one.expects).join('; ')}`
}
