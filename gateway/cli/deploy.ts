/** What `wrangler-free deploy`, `rollback` and `promote` do: ask for it, and show each step as the gateway tells of it. */
import { stderr } from 'node:process'
import { createInterface } from 'node:readline'
import pc from 'picocolors'
import { type Asked, askAdmin, ConnectionLost, type ProblemDocument, problemError } from './admin-api.ts'
import type { AdminAddress } from './admin-client.ts'
import { CommandError } from './exit-codes.ts'
import { contentsOf } from './folder-contents.ts'
import { formatBytes, formatMs, plainLine } from './format.ts'
import { print } from './print.ts'
import { upload } from './upload.ts'

export interface DeployArguments {
  readonly address: AdminAddress
  readonly folder: string
  readonly name: string
  readonly install: 'no' | 'packages' | 'with-scripts'
  /** What the gateway is asked to make of the new version. */
  readonly activation: object
  readonly form: 'json' | 'text'
}

interface VersionReport {
  readonly number: number
  readonly key: string
}

interface DeploymentReport {
  readonly function: string
  readonly version: VersionReport
  readonly live: number | null
  readonly previous: number | null
  readonly isKnown: boolean
  readonly isUnchanged: boolean
}

interface StepLine {
  readonly step: string
  readonly tookMs: number
  readonly note?: string
}

export async function deploy(asked: DeployArguments): Promise<void> {
  const { address, folder, name, install, activation, form } = asked
  const startedAtMs = performance.now()
  const tell = form === 'json' ? () => {} : tellStep
  const files = await contentsOf(folder, { withoutPackages: install !== 'no' })
  const packedAtMs = performance.now()
  tell({ step: 'pack', tookMs: packedAtMs - startedAtMs, note: `${files.length} files` })
  const sent = await upload(address, name, files, install, form === 'json' ? () => {} : showProgress)
  const note = `${sent.sentFiles} of ${sent.files} files, ${formatBytes(sent.sentBytes)}; the others were there`
  tell({
    step: 'upload',
    tookMs: performance.now() - packedAtMs,
    ...(sent.sentFiles < sent.files ? { note } : { note: formatBytes(sent.sentBytes) }),
  })
  const path = `v1/functions/${encodeURIComponent(name)}/uploads/${sent.upload}/finish`
  const deployment = await follow(address, { method: 'POST', path, json: activation }, tell)
  conclude(deployment, performance.now() - startedAtMs, form)
}

/** Makes a version live that is there; null: the one before. */
export async function activate(
  address: AdminAddress,
  name: string,
  version: string | undefined,
  form: 'json' | 'text',
): Promise<void> {
  const startedAtMs = performance.now()
  const path = `v1/functions/${encodeURIComponent(name)}/live`
  const json = version === undefined ? {} : { version }
  const tell = form === 'json' ? () => {} : tellStep
  const deployment = await follow(address, { method: 'POST', path, json }, tell)
  conclude(deployment, performance.now() - startedAtMs, form)
}

/** Reads the lines of what goes on. Throws a `CommandError` with what went wrong. */
async function follow(address: AdminAddress, asked: Asked, tell: (line: StepLine) => void): Promise<DeploymentReport> {
  const response = await askAdmin(address, { ...asked, accept: 'application/x-ndjson' })
  try {
    for await (const text of createInterface({ input: response })) {
      const line = JSON.parse(text) as Partial<StepLine> & {
        readonly deployment?: DeploymentReport
        readonly problem?: ProblemDocument
        readonly frame?: string
      }
      if (line.deployment !== undefined) return line.deployment
      if (line.problem !== undefined) throw problemError(line.problem, line.frame)
      tell(line as StepLine)
    }
  } catch (error) {
    throw error instanceof CommandError ? error : new ConnectionLost(address.url, error)
  }
  throw new ConnectionLost(address.url, new Error('the connection was lost before it was told how it ended'))
}

function conclude(deployment: DeploymentReport, tookMs: number, form: 'json' | 'text'): void {
  if (form === 'json') return print(`${JSON.stringify({ ...deployment, tookMs: Math.round(tookMs) }, null, 2)}\n`)
  const { function: name, version, live, previous, isUnchanged } = deployment
  const after = pc.dim(`after ${formatMs(tookMs)} ms`)
  if (isUnchanged) return print(`${pc.bold(name)} version ${version.number} is live already: nothing to do ${after}\n`)
  if (live === version.number) {
    const before = previous === null ? '' : `, version ${previous} before`
    return print(`${pc.bold(name)} version ${version.number} is ${pc.green('live')}${before} ${after}\n`)
  }
  print(
    `${pc.bold(name)} version ${version.number} is there, live is ${live ?? 'none'} ${after}\n  try it: /${name}@${version.key}/, or the header "wrangler-free-version: ${version.key}"\n`,
  )
}

function tellStep({ step, tookMs, note }: StepLine): void {
  const clear = stderr.isTTY ? '\r\x1b[K' : ''
  const more = note === undefined ? '' : ` ${pc.dim(plainLine(note))}`
  stderr.write(`${clear}${plainLine(step).padEnd(8)} ${formatMs(tookMs).padStart(6)} ms${more}\n`)
}

function showProgress(sentBytes: number, totalBytes: number): void {
  if (stderr.isTTY) stderr.write(`\r\x1b[K${pc.dim(`sent ${formatBytes(sentBytes)} of ${formatBytes(totalBytes)}`)}`)
}
