/** What was typed behind `invoke`, checked and made into the parts of a request. Refuses it with exit code 2. */
import { open } from 'node:fs/promises'
import { CommandError, EXIT } from './exit-codes.ts'
import type { InvokeBody } from './invoke.ts'

/** The address of a function's default mount, `/<name>`, with a path and query below it. */
export function functionUrl(address: URL, name: string, path: string): URL {
  const slash = name.search(/[/?]/)
  if (slash !== -1) {
    const instead = `wrangler-free invoke ${name.slice(0, slash)} --path '${name.slice(slash)}'`
    throw usage(`A function's name has no "${name[slash]}". Give what follows it with --path: ${instead}`)
  }
  const mount = `${address.pathname.replace(/\/$/, '')}/${encodeURIComponent(name)}`
  const below = path === '/' || path === '' ? '' : path.replace(/^(?![/?])/, '/')
  return new URL(`${address.origin}${mount}${below}`)
}

/** `Name: value`; the value may be empty. */
export function parseHeader(line: string): readonly [name: string, value: string] {
  const match = /^([!#$%&'*+.^_`|~\w-]+):\s*(.*?)\s*$/.exec(line)
  if (!match) throw usage(`A header is written "name: value", not "${line}".`)
  return [match[1]!, match[2]!]
}

/** The places where a body may be given; at most one may be used. */
export interface BodySources {
  readonly argument: string | undefined
  readonly data: string | undefined
  readonly file: string | undefined
}

/** stdin is read for `-` alone: a pipe that a script happened to inherit may never end. */
export async function readBody({ argument, data, file }: BodySources): Promise<InvokeBody> {
  const given = [argument, data, file].filter((source) => source !== undefined)
  if (given.length > 1) throw usage('The body is given more than once: as an argument, with --data or with --file.')
  if (file !== undefined) return openFile(file)
  const text = argument ?? data
  if (text === undefined) return { kind: 'none' }
  if (text === '-') return { kind: 'stream', stream: process.stdin, length: null }
  return {
    kind: 'bytes',
    bytes: Buffer.from(text),
    contentType: isJson(text) ? 'application/json' : 'text/plain;charset=utf-8',
  }
}

async function openFile(path: string): Promise<InvokeBody> {
  try {
    const file = await open(path)
    const stat = await file.stat()
    if (stat.isDirectory()) throw new Error('it is a folder')
    // A pipe or a device has a size of 0 and content all the same.
    return { kind: 'stream', stream: file.createReadStream(), length: stat.isFile() ? stat.size : null }
  } catch (error) {
    throw usage(`--file ${path} cannot be read: ${(error as Error).message}`)
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

function usage(message: string): CommandError {
  return new CommandError(EXIT.usage, message)
}
