/**
 * A function that cannot be built, told to its author: what is wrong, in which file and line, with the lines
 * themselves. Holds plain text without colours; whoever prints it adds them.
 */
import { basename, dirname, join, relative, resolve } from 'node:path'
import type { Message, PartialMessage } from 'esbuild'
import { BundlerLost, formatMessages } from '../bundler.ts'
import type { FunctionSource } from './discover.ts'
import { packageNameOf } from './native-packages.ts'
import { withoutOwnFilesPrefix } from './own-files.ts'
import { isShortage } from './shortage.ts'

/** One complaint of the bundler. */
export interface BuildProblem {
  readonly message: string
  /** Relative to the functions folder; null if the problem lies in no file. */
  readonly file: string | null
  /** Counted from 1. */
  readonly line: number | null
  /** Counted from 0, as in the frame. */
  readonly column: number | null
}

/** Whether its author has something to mend, or the machine had no room, no descriptor or no bundler, and may have later. */
export type BuildErrorCode = 'build-failed' | 'not-stored' | 'bundler-lost'

const UNRESOLVED = /^Could not resolve "(.+)"$/
/** By a call, and no declaration. */
const LATE = /\b(?:require|import)\s*\(/

/** Why a function has no bundle. Its own fields are those of the first problem. */
export class BuildError extends Error implements BuildProblem {
  override readonly name = 'BuildError'
  readonly functionName: string
  readonly file: string | null
  readonly line: number | null
  readonly column: number | null
  /** All problems with their code frames, ready to print; '' if there is no code to show. */
  readonly frame: string
  readonly problems: readonly BuildProblem[]
  readonly code: BuildErrorCode

  constructor(
    functionName: string,
    problems: readonly [BuildProblem, ...BuildProblem[]],
    frame: string,
    code: BuildErrorCode = 'build-failed',
  ) {
    super(problems[0].message)
    this.code = code
    this.functionName = functionName
    this.file = problems[0].file
    this.line = problems[0].line
    this.column = problems[0].column
    this.frame = frame
    this.problems = problems
  }
}

const NOWHERE = { file: null, line: null, column: null } as const

/** A build error that no line of code is to blame for. `file`, if any, is relative to the functions folder. */
export function plainBuildError(functionName: string, message: string, file: string | null = null): BuildError {
  return new BuildError(functionName, [{ message, file, line: null, column: null }], '')
}

/** Whether building again may go well without a change of the function. */
export function isPassing(error: { readonly code: string } | null): boolean {
  return error?.code === 'not-stored' || error?.code === 'bundler-lost'
}

/** A bundle that is as it should be, and could not be written. */
export function storeError(functionName: string, error: Error): BuildError {
  const message = `The bundle could not be stored: ${error.message}`
  const code = isShortage(error) ? 'not-stored' : 'build-failed'
  return new BuildError(functionName, [{ message, file: null, line: null, column: null }], '', code)
}

/** Turns what `esbuild.build` threw into a {@link BuildError}. `root` is the folder that message paths are relative to. */
export async function buildErrorFrom(source: FunctionSource, root: string, thrown: unknown): Promise<BuildError> {
  if (thrown instanceof BundlerLost)
    return new BuildError(source.name, [{ ...NOWHERE, message: thrown.message }], '', 'bundler-lost')
  const messages = ((thrown as { errors?: Message[] }).errors ?? []).map((message) => forAuthor(source, root, message))
  const [first, ...others] = messages.map(problemOf)
  if (first === undefined)
    return plainBuildError(source.name, thrown instanceof Error ? thrown.message : String(thrown))
  const frames = await formatMessages(messages, { kind: 'error', color: false })
  return new BuildError(source.name, [first, ...others], frames.join('').trimEnd())
}

/**
 * The packages that installed packages require by name in their functions, where they need them, and that are not
 * installed: Node tells that only to who gets there. Null where anything else is wrong.
 */
export function missingOfPackages(thrown: unknown): string[] | null {
  const messages = (thrown as { errors?: Message[] }).errors ?? []
  const names = messages.map(({ text, location }) => {
    const name = UNRESOLVED.exec(text)?.[1]
    const isInPackage = location !== null && /(?:^|[\\/])node_modules[\\/]/.test(location.file)
    return isInPackage && LATE.test(location.lineText) && name !== undefined && /^[^./]/.test(name) ? name : null
  })
  return names.length === 0 || names.includes(null) ? null : [...new Set(names as string[])]
}

function problemOf(message: PartialMessage): BuildProblem {
  const location = message.location
  return {
    message: message.text ?? 'unknown problem',
    file: location?.file ?? null,
    line: location?.line ?? null,
    column: location?.column ?? null,
  }
}

function forAuthor(source: FunctionSource, root: string, message: Message): PartialMessage {
  const at = <T extends Message['location']>(location: T): T =>
    location && { ...withoutOwnFilesPrefix(location), file: shownPath(source, root, location.file) }
  const unresolved = UNRESOLVED.exec(message.text)?.[1]
  const notes =
    unresolved === undefined
      ? message.notes.map((note) => ({ ...note, location: at(note.location) }))
      : [{ text: adviceForUnresolved(source, unresolved) }]
  // The names of our plugins would only puzzle the author.
  return { ...message, pluginName: '', location: at(message.location), notes }
}

/** Files of the function as seen from the functions folder, even where that folder or the function is a symlink. */
export function shownPath(source: FunctionSource, root: string, file: string): string {
  const inside = relative(root, resolve(root, file))
  if (!inside.startsWith('..')) return source.kind === 'folder' ? join(basename(source.dir), inside) : inside
  const functionsDir = source.kind === 'folder' ? dirname(root) : root
  return relative(functionsDir, resolve(root, file))
}

function adviceForUnresolved(source: FunctionSource, specifier: string): string {
  if (/^[./]/.test(specifier)) return 'There is no such file. Check the path; it is relative to the importing file.'
  if (specifier.startsWith('cloudflare:'))
    return 'Modules named "cloudflare:…" exist on Cloudflare only. Variables are in `env`, the rest has to be passed in.'
  const name = packageNameOf(specifier)
  const where = source.kind === 'folder' ? `in ${basename(source.dir)}/ or in the project` : 'in the project'
  return `No package "${name}" is installed where this file would find it. Run \`npm install ${name}\` ${where}, or check the name.`
}
