/**
 * All formats of this runtime, in the order in which their marks are looked for. A new format is a row here. A row is
 * small and there in every blank; what it opens is read only by a worker that needs it, since most need one of them.
 */
import type { Load } from '../../../wire/messages.ts'
import { readyWithinMs } from '../load-time.ts'
import { azureApp } from './azure-app.ts'
import { holdBunServe, releaseBunServe } from './bun-serve.ts'
import {
  looksLikeEvent,
  looksLikeLambda,
  looksLikeOpenFaas,
  requestResponseFunction,
  takesRequestResponse,
  withDefault,
} from './chosen-export.ts'
import { fetchFormat, isEntrypoint, objectWithFetch } from './fetch.ts'
import type { Exports, Format, Handler } from './format.ts'
import { registeredFunctions } from './gcf-registry.ts'
import { holdListen, releaseListen, whenHeldOrIdle } from './held-listen.ts'
import { prepareLambda } from './lambda-environment.ts'
import { usualHandler } from './lambda-handler.ts'
import { methodsFormat } from './methods.ts'
import { installNetlifyGlobal, isBackground, isNetlify } from './netlify-global.ts'
import { isNodeMarked, isNothing } from './node-marks.ts'
import { installPlatformGlobals } from './platform-globals.ts'
import { installServiceWorker } from './service-worker.ts'
import { taskFormat } from './task.ts'

interface Row {
  readonly name: string
  /** There is no module to import: the function is a program, which its handler starts. */
  readonly isProgram?: true
  /** Never chosen by the exports alone. */
  readonly isStated?: true
  /**
   * What a stated `handler` is to it: null where it finds that itself, else why there is nothing to name. Left out: it
   * is called in the place of the default export.
   */
  readonly handler?: string | null
  /** Before the module is imported: the globals that it may look for. Also called where no format is stated. */
  prepare?(load: Load): void
  /** Another format was chosen: undoes what `prepare` did that others must not see. */
  dismiss?(): void
  /** The exports bear its unambiguous marks. With a stated `handler`, that is their default. */
  isMarked(exports: Exports, load: Load): boolean
  open(): Format | Promise<Format>
}

const FORMATS: readonly Row[] = [
  {
    name: 'azure',
    handler: 'its functions are those that it registers with app.http',
    isMarked: () => azureApp() !== null,
    open: async () => (await import('./azure.ts')).azureFormat,
  },
  { ...always(methodsFormat), handler: 'it has one export for each method' },
  {
    name: 'lambda',
    prepare: prepareLambda,
    handler: null,
    isMarked: isLambda,
    open: async () => (await import('./lambda.ts')).lambdaFormat,
  },
  {
    name: 'node',
    dismiss: releaseListen,
    // A router may answer to any name, `listen` among them: what has `fetch` is meant by that.
    isMarked: (exports) => objectWithFetch(exports) === null && isNodeMarked(exports),
    open: async () => (await import('./node.ts')).nodeFormat,
  },
  {
    name: 'gcf',
    handler: null,
    isMarked: () => registeredFunctions() !== null,
    open: async () => (await import('./gcf.ts')).gcfFormat,
  },
  {
    name: 'netlify',
    prepare: installNetlifyGlobal,
    isMarked: (exports, { name }) => isNetlify(exports) || (isBackground(name) && isBareFunction(exports.default)),
    open: async () => (await import('./netlify.ts')).netlifyFormat,
  },
  {
    name: 'req-res',
    isMarked: (exports) => objectWithFetch(exports) === null && requestResponseFunction(exports) !== null,
    open: async () => (await import('./req-res.ts')).reqResFormat,
  },
  {
    name: 'openfaas',
    isMarked: ({ default: target }) => looksLikeOpenFaas(target),
    open: async () => (await import('./openfaas.ts')).openfaasFormat,
  },
  {
    ...always(fetchFormat),
    prepare(load) {
      installPlatformGlobals(load)
      installServiceWorker(load)
    },
    dismiss: releaseBunServe,
  },
  {
    name: 'vercel',
    isStated: true,
    isMarked: () => false,
    open: async () => (await import('./vercel.ts')).vercelFormat,
  },
  { ...always(taskFormat), isStated: true },
  program('http', 'its "command" is what answers', async () => (await import('./http.ts')).httpFormat),
  program('stdio', 'its "command" is what answers', async () => (await import('./stdio.ts')).stdioFormat),
  program('bootstrap', null, async () => (await import('./bootstrap.ts')).bootstrapFormat),
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
  if (!isProgram(load)) {
    holdListen(load)
    holdBunServe(load)
  }
  for (const row of FORMATS) if (load.format === null || load.format === row.name) row.prepare?.(load)
}

/** Finds the handler. Throws an error that says what the module exports and what it could. */
export async function chooseFormat(exports: Exports, load: Load): Promise<Chosen> {
  const row = load.format === null ? await markedSoon(exports, load) : stated(load.format)
  if (row !== undefined) refuseHandler(row, load)
  for (const other of FORMATS) if (other !== row) other.dismiss?.()
  const format = await row?.open()
  const handler = await format?.handler(row!.handler === undefined ? called(exports, load) : exports, load)
  if (format === undefined || handler === null || handler === undefined) throw new TypeError(noHandler(exports, format))
  const rules = load.platform?.rules
  // On Vercel they decide between files.
  if (rules === undefined || format.name === 'vercel') return { format, handler }
  const { withPathRules } = await import('./path-rules.ts')
  return { format, handler: withPathRules(handler, rules) }
}

/** What exports nothing may be on its way to listening: Fastify's `listen` gets ready first, others await a database. */
async function markedSoon(exports: Exports, load: Load): Promise<Row | undefined> {
  const row = marked(exports, load)
  if (row !== undefined || !isNothing(exports)) return row
  await whenHeldOrIdle(readyWithinMs(load))
  return marked(exports, load)
}

/** Variables by which Google's framework is told what to call. */
function isSaidToBeGoogles({ env }: Load): boolean {
  return env.FUNCTION_TARGET !== undefined || env.FUNCTION_SIGNATURE_TYPE !== undefined
}

function marked(exports: Exports, load: Load): Row | undefined {
  if (isSaidToBeGoogles(load)) return stated('gcf')
  const seen = called(exports, load)
  const row = FORMATS.find((one) => one.isMarked(seen, load))
  const other = lookalike(row, seen)
  if (other !== null) throw new TypeError(other)
  return row
}

/** It is known as a default function alone: whether that is its its parameters may deny. */
function lookalike(row: Row | undefined, seen: Exports): string | null {
  return row?.name === 'fetch' ? looksLikeEvent(seen.default) : null
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

function program(name: string, handler: string | null, open: Row['open']): Row {
  return { name, handler, isProgram: true, isStated: true, isMarked: () => false, open }
}

/**
 * `handler` names a function: of Lambda's, as its own setting is called, unless other marks say more. Without that word
 * it is the export `handler`; beside a default export with `fetch`, which is what the whole module is, that is one way to
 * run it among others.
 */
function isLambda(exports: Exports, { handler }: Load): boolean {
  if (objectWithFetch(exports) !== null) return false
  if (takesRequestResponse(handler === null ? usualHandler(exports) : exports.default)) return false
  if (handler === null) return usualHandler(exports) !== null || looksLikeLambda(exports.default)
  const isOfAnother = isNodeMarked(exports) || registeredFunctions() !== null || isNetlify(exports)
  return handler !== 'default' && !isOfAnother && isBareFunction(exports.default)
}

function isBareFunction(value: unknown): boolean {
  return typeof value === 'function' && !isEntrypoint(value)
}

/** What the module exports where `handler` takes the place of its default export. */
function called(exports: Exports, { handler, format }: Load): Exports {
  const isRegistered = format === null && (registeredFunctions() !== null || azureApp() !== null)
  if (handler === null || isRegistered) return exports
  return withDefault(exports, handler)
}

function refuseHandler({ name, handler: why }: Row, { handler }: Load): void {
  if (handler === null || typeof why !== 'string') return
  throw new TypeError(
    `"handler": "${handler}" names nothing in the format ${name}: ${why}. Leave it out of function.json`,
  )
}

const MOST_NAMES = 10

function noHandler(exports: Exports, format: Format | undefined): string {
  const names = Object.keys(exports)
  const shown = names.slice(0, MOST_NAMES).map((name) => `${name} (${typeof exports[name]})`)
  const more = names.length > MOST_NAMES ? ` and ${names.length - MOST_NAMES} more` : ''
  const found = `No handler found: the module exports ${names.length === 0 ? 'nothing' : shown.join(', ')}${more}.`
  if (format !== undefined) return `${found} The format ${format.name} wants: ${format.expects}`
  const one = names.find((name) => name !== 'module.exports' && typeof exports[name] === 'function')
  const named =
    one === undefined
      ? ''
      : ` Or name in function.json what is called: "handler": "${one}" for AWS Lambda, with "format" beside it for others.`
  return `${found} It needs one, such as \`export default { fetch(request) { … } }\`, \`export function GET(request)\` or \`export const handler = async (event) => …\`.${named} For what else there is, see docs/function-json.md`
}
