/**
 * Secrets by reference: where each is looked for, and what was found there. The configuration holds places, never
 * values. A place that gives nothing says why in words that name the place; one that gave a value before and gives none
 * now keeps that value until the gateway stops, so that a file that is being replaced takes no function down.
 */
import { constants } from 'node:fs'
import { open, realpath } from 'node:fs/promises'
import { resolve, sep } from 'node:path'
import { Secret } from '../../warmpool/index.ts'
import type { Environment } from './overlays.ts'
import type { ParsedConfig } from './schema.ts'

/** What is found at one place. `warning`: what its operator should change all the same. */
export type SecretReading =
  | { readonly state: 'found'; readonly secret: Secret; readonly warning: string | null }
  | { readonly state: 'missing'; readonly why: string }

/** By place, as {@link placeOf} names it. */
export type SecretReadings = ReadonlyMap<string, SecretReading>

export interface SecretSurroundings {
  /** What relative paths are relative to. */
  readonly folder: string
  readonly env: Environment
  /** Folders whose files are copied or served: a secret in there would be, too. */
  readonly openFolders: readonly string[]
  /** What was found the last time. */
  readonly previous: SecretReadings
}

interface Reference {
  readonly env?: string | undefined
  readonly file?: string | undefined
}

/** A program cannot be given a longer variable. */
const MAX_BYTES = 64 * 1024
const OTHERS = 0o007
const GROUP_WRITES = 0o020
const GROUP_READS = 0o040
/** A pipe that nobody writes to must not stop the gateway. */
const READ = constants.O_RDONLY | constants.O_NONBLOCK

/** In words, and the key of its reading. */
export function placeOf(reference: Reference, folder: string): string {
  return reference.env === undefined
    ? `the file ${resolve(folder, reference.file!)}`
    : `the gateway's environment variable ${reference.env}`
}

/** Absolute paths of all files that are looked at. */
export function secretFilesOf(parsed: ParsedConfig, folder: string): string[] {
  const files = referencesIn(parsed).flatMap(({ file }) => (file === undefined ? [] : [resolve(folder, file)]))
  return [...new Set(files)]
}

export async function readSecrets(parsed: ParsedConfig, surroundings: SecretSurroundings): Promise<SecretReadings> {
  const readings = new Map<string, SecretReading>()
  for (const reference of referencesIn(parsed)) {
    const place = placeOf(reference, surroundings.folder)
    if (!readings.has(place)) readings.set(place, await read(reference, place, surroundings))
  }
  return readings
}

/** What operators should change although it works. */
export function secretWarnings(readings: SecretReadings): string[] {
  return [...readings.values()].flatMap((reading) => (reading.state === 'found' ? (reading.warning ?? []) : []))
}

function referencesIn({ secrets, defaults, overrides }: ParsedConfig): Reference[] {
  const perFunction = [defaults, ...Object.values(overrides)].flatMap((settings) =>
    Object.values(settings.secrets ?? {}),
  )
  return [...Object.values(secrets), ...perFunction.filter(({ from }) => from === undefined)]
}

async function read(reference: Reference, place: string, surroundings: SecretSurroundings): Promise<SecretReading> {
  const reading =
    reference.env === undefined
      ? await readFile(resolve(surroundings.folder, reference.file!), surroundings.openFolders)
      : ofText(surroundings.env[reference.env], 'which is not set')
  const before = surroundings.previous.get(place)
  if (reading.state === 'found' || before?.state !== 'found') return reading
  const warning = `A secret that was read from ${place}, ${reading.why}: its last value stays until the gateway stops.`
  return { ...before, warning }
}

async function readFile(path: string, openFolders: readonly string[]): Promise<SecretReading> {
  let file: Awaited<ReturnType<typeof open>> | null = null
  try {
    const real = await realpath(path)
    const around = openFolders.find((folder) => [path, real].some((one) => one.startsWith(folder + sep)))
    if (around !== undefined)
      return missing(`which lies in ${around}, whose files are copied or read by functions: move it out of there`)
    file = await open(path, READ)
    const stat = await file.stat()
    if (!stat.isFile()) return missing('which is no regular file')
    const mode = `mode ${(stat.mode & 0o777).toString(8).padStart(4, '0')}`
    if ((stat.mode & (OTHERS | GROUP_WRITES)) !== 0)
      return missing(`which others than its owner may use (${mode}): chmod 600 it`)
    if (stat.size > MAX_BYTES) return missing(`which holds more than the ${MAX_BYTES} bytes that a variable may have`)
    const text = decoded(await file.readFile())
    if (text === null) return missing('which is not text in UTF-8: store it in base64, for example')
    const isGroups = (stat.mode & GROUP_READS) !== 0
    const warning = isGroups
      ? `The file ${path} holds a secret and its group may read it (${mode}): chmod 600 it.`
      : null
    return ofText(text.replace(/\r?\n$/, ''), '', warning)
  } catch (error) {
    return missing(reasonOf(error as NodeJS.ErrnoException))
  } finally {
    await file?.close()
  }
}

function ofText(text: string | undefined, unset: string, warning: string | null = null): SecretReading {
  if (text === undefined) return missing(unset)
  if (text === '') return missing('which is empty')
  if (text.includes('\0')) return missing('which holds a NUL byte, and no variable can')
  return { state: 'found', secret: new Secret(text), warning }
}

function missing(why: string): SecretReading {
  return { state: 'missing', why }
}

function decoded(bytes: Buffer): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return null
  }
}

function reasonOf({ code, message }: NodeJS.ErrnoException): string {
  if (code === 'ENOENT') return 'which does not exist'
  if (code === 'EACCES') return 'which this user may not read'
  return `which cannot be read (${code ?? message})`
}
