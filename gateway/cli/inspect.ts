/** What `wrangler-free inspect` does: look, and say it so that a person knows what to change. */
import { resolve } from 'node:path'
import pc from 'picocolors'
import { isJavaScript, type LoadOptions, loadConfig } from '../config/index.ts'
import { stopBuilding } from '../functions/build.ts'
import { type Inspection, inspect } from '../functions/inspection.ts'
import { EXIT, type ExitCode } from './exit-codes.ts'
import { plainLine } from './format.ts'
import { print } from './print.ts'

/** Prints the inspection; the exit code says whether the function can be served. */
export async function runInspect(path: string, file: string | undefined, form: 'json' | 'text'): Promise<ExitCode> {
  const options: LoadOptions = { cwd: process.cwd(), ...(file === undefined ? {} : { file }) }
  const found = await inspect(resolve(path), await loadConfig(options))
  await stopBuilding()
  print(form === 'json' ? `${JSON.stringify(found, null, 2)}\n` : renderInspection(found))
  return found.problem === null ? EXIT.ok : EXIT.failed
}

export function renderInspection(found: Inspection): string {
  return [
    headline(found),
    problem(found),
    notes(found),
    facts(found),
    platformFiles(found),
    settings(found),
    otherwise(found),
  ]
    .filter(Boolean)
    .join('\n')
}

function headline({ name, runtime, format }: Inspection): string {
  const what = runtime === null ? 'not a function' : `${format ?? 'format not known'} on ${runtime}`
  return `${pc.bold(name)}: ${what}\n`
}

function problem({ problem: found }: Inspection): string {
  if (found === null) return ''
  const place = found.file === undefined ? '' : ` (${found.file}${found.line === undefined ? '' : `:${found.line}`})`
  const frame = found.frame === undefined ? '' : `\n${found.frame}\n`
  return `${pc.red('It cannot be served:')} ${found.message}${place}\n${frame}`
}

function notes({ notes: all }: Inspection): string {
  return all.map((note) => `${pc.yellow('Note:')} ${note}\n`).join('')
}

function facts(found: Inspection): string {
  const { why, entry, handler, command, startedBy, runsOn, loadMs, routes } = found
  const rows: [string, string | null][] = [
    ['because', why],
    ['starts from', entry === '' ? null : entry],
    ['calls', handler],
    ['command', command === null ? null : command.join(' ')],
    ['started by', startedBy === null ? null : startedBy.join(' ')],
    ['runs on', runsOn],
    ...isolationOf(found),
    ['loads in', loadMs === null ? null : `${loadMs.toFixed(1)} ms`],
    ['answers at', routes.length === 0 ? null : routes.join(', ')],
  ]
  return table(rows.filter((row): row is [string, string] => row[1] !== null))
}

/** What keeps it from others, and which parts of that this machine does not have, each with the reason. */
function isolationOf({ isolation }: Inspection): [string, string][] {
  if (isolation === null) return []
  const { profile, network, inForce, missing } = isolation
  const held = [...(inForce ?? []), ...(network === 'none' ? ['no network'] : [])]
  const lacking = missing.map(({ mechanism, why }): [string, string] => [
    'missing',
    `${pc.yellow(mechanism)}: ${plainLine(why)}`,
  ])
  return [['isolation', held.length === 0 ? profile : `${profile} (${held.join(', ')})`], ...lacking]
}

const MOST_KEYS = 12

/** What of other platforms' files counts here, and how to say it in the folder's own file. */
function platformFiles({ platformFiles: all, functionFile, name }: Inspection): string {
  if (all.length === 0) return ''
  const rows = all.flatMap(({ file, read, ignored, problem: unread, advice }): [string, string][] => [
    ...(unread === null ? [] : [[file, pc.yellow(`cannot be read: ${plainLine(unread)}`)] as [string, string]]),
    ...(unread === null ? [[file, `read: ${keys(read)}; ignored: ${keys(ignored)}`] as [string, string]] : []),
    ...(advice === null ? [] : [['', advice] as [string, string]]),
  ])
  const same =
    functionFile === null ? '' : `  ${name}/function.json that says the same: ${JSON.stringify(functionFile)}\n`
  return `Files of other platforms\n${table(rows)}${same}`
}

function keys(all: readonly string[]): string {
  if (all.length === 0) return 'nothing'
  const more = all.length > MOST_KEYS ? ` and ${all.length - MOST_KEYS} more` : ''
  return all.slice(0, MOST_KEYS).map(plainLine).join(', ') + more
}

function settings({ settings: all }: Inspection): string {
  if (all.length === 0) return ''
  const widest = Math.max(...all.map(({ value }) => value.length))
  return `Settings\n${table(all.map(({ key, value, from }) => [key, `${value.padEnd(widest)}  ${pc.dim(from)}`]))}`
}

/** How to have it taken for something else. */
function otherwise({ name, kind, runtime }: Inspection): string {
  if (runtime === null) return ''
  const example = isJavaScript(runtime)
    ? '{ "format": "node" }'
    : `{ "${runtime === 'python' ? 'format": "wsgi' : 'runtime": "node'}" }`
  const where = kind === 'file' ? `make it a folder, ${name}/, with a function.json` : `write ${name}/function.json`
  return `To say otherwise, ${where}, for example ${example}: see docs/function-json.md.\n`
}

function table(rows: readonly (readonly [string, string])[]): string {
  const widest = Math.max(...rows.map(([key]) => key.length))
  return rows.map(([key, value]) => `  ${key.padEnd(widest)}  ${value}\n`).join('')
}
