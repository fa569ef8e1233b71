/**
 * What a gateway does with its deployed functions when it starts: what was live is live again, from the bundles that are
 * there, without building. Afterwards it reads the bundles of what is live: one that is damaged is built again from
 * what was uploaded, and if that is damaged, too, the function says so instead of running it.
 */

import { join } from 'node:path'
import type { Config } from '../config/index.ts'
import { ConfigError } from '../config/index.ts'
import { hashFile } from '../functions/bundle-id.ts'
import type { Catalog } from '../functions/catalog.ts'
import { concurrently } from '../functions/concurrently.ts'
import { filesUnder } from '../functions/folder-files.ts'
import type { Logger } from '../log.ts'
import type { AuditLog } from './audit-log.ts'
import type { UploadBuilder } from './build-upload.ts'
import type { Deployments } from './deployments.ts'
import { type ManifestFile, manifestId } from './manifest.ts'
import { type FunctionRecord, type VersionRecord, versionOf } from './record.ts'
import type { RecordStore } from './record-store.ts'

export interface Restoring {
  readonly catalog: Catalog
  readonly deployments: Deployments
  readonly records: RecordStore
  readonly uploads: UploadBuilder
  readonly audit: AuditLog
  readonly log: Logger
  readonly config: Config
}

const CONCURRENT_LOOKS = 64
/** A busy machine has better things to do. */
const CONCURRENT_CHECKS = 1

/** Those with warm workers are read before they are started; the others by {@link checkAll}, when all are served. */
export async function restoreAll(parts: Restoring): Promise<void> {
  const records = parts.records.readAll((name, why) =>
    parts.log.error({ function: name }, `what was deployed is not served: its record cannot be read (${why})`),
  )
  const stored = await parts.catalog.builder.store.ids()
  await concurrently(records, CONCURRENT_LOOKS, (record) => restore(parts, record, stored))
}

async function restore(parts: Restoring, record: FunctionRecord, stored: ReadonlySet<string>): Promise<void> {
  const { deployments, catalog } = parts
  deployments.setRecord(record)
  const live = versionOf(record, record.live)
  if (live === null) return
  try {
    const source = deployments.sourceOf(record.name, live)
    const { minWorkers } = parts.config.functionSettings(record.name, source.file ?? undefined)
    const isSound = minWorkers > 0 ? await catalog.builder.store.verify(live.bundle) : stored.has(live.bundle)
    if (!isSound && !(await mend(parts, record, live))) return
    deployments.stand(record.name, live, source, catalog.builder.store.at(live.bundle), null)
    deployments.switchTo(await withCanary(parts, record))
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    deployments.setBroken(record.name, live, 'build-failed', error.message)
    parts.log.error({ function: record.name }, error.message)
  }
}

/** A canary has warm workers, so it is read before they start. One that is damaged has no calls any longer; the live version has them. */
async function withCanary(parts: Restoring, record: FunctionRecord): Promise<FunctionRecord> {
  const { deployments, records, log } = parts
  const { name } = record
  if (record.canary === null) return record
  const { version: number } = record.canary
  const why = await standCanary(parts, name, versionOf(record, number))
  if (why === null) return record
  log.error({ function: name, version: String(number) }, `the canary is taken back: ${why}`)
  const next = { ...record, canary: null }
  deployments.setRecord(next)
  await records
    .write(next)
    .catch((error: Error) => log.error({ function: name }, `this is not noted: ${error.message}`))
  const event = { by: 'gateway', what: 'canary-ended', function: name, from: number, to: record.live, why }
  await parts.audit
    .append(event)
    .catch((error: Error) => log.error({ ...event }, `not in the audit log: ${error.message}`))
  return next
}

/** Null, or why it cannot be served. */
async function standCanary(parts: Restoring, name: string, canary: VersionRecord | null): Promise<string | null> {
  const { deployments, catalog } = parts
  if (canary === null) return 'it is not there'
  try {
    const source = deployments.sourceOf(name, canary)
    if (!(await catalog.builder.store.verify(canary.bundle))) await rebuild(parts, name, canary)
    deployments.stand(name, canary, source, catalog.builder.store.at(canary.bundle), null)
    return null
  } catch (error) {
    return (error as Error).message
  }
}

/** Reads the bundles of all that is live. `isOver`: the gateway stops. */
export async function checkAll(parts: Restoring, isOver: () => boolean): Promise<void> {
  await concurrently(parts.deployments.records, CONCURRENT_CHECKS, async ({ name }) => {
    const record = parts.deployments.recordOf(name)
    const live = record === null ? null : versionOf(record, record.live)
    if (isOver() || record === null || live === null) return
    if (await parts.catalog.builder.store.verify(live.bundle)) return
    // Somebody may have deployed meanwhile.
    if (parts.deployments.recordOf(name) === record) await mend(parts, record, live)
  })
}

/** Builds a damaged bundle again. False: it cannot be, and everybody is told. */
async function mend(parts: Restoring, { name }: FunctionRecord, version: VersionRecord): Promise<boolean> {
  try {
    await rebuild(parts, name, version)
    return true
  } catch (error) {
    const detail = `What is stored of version ${version.number} is damaged: ${(error as Error).message}. Deploy it again, or roll back`
    parts.log.error({ function: name, version: String(version.number) }, detail)
    parts.deployments.setBroken(name, version, 'corrupted', detail)
    return false
  }
}

/** Throws where what was uploaded is damaged, too, or becomes something else. */
async function rebuild(parts: Restoring, name: string, version: VersionRecord): Promise<void> {
  const { deployments, records, log } = parts
  const who = { function: name, version: String(version.number) }
  log.error(who, 'what was built of it is damaged on the disk (its bytes are not those of its hash)')
  const folder = records.folderOf(name, version.id)
  if ((await idOfFolder(folder, version)) !== version.id) throw new Error('what was uploaded is damaged, too')
  const source = deployments.sourceOf(name, version)
  const { bundle } = await parts.uploads.build({ name, dir: folder, source }, { built: async () => {} })
  if (bundle.id !== version.bundle) throw new Error('it became another bundle when it was built again')
  log.warn(who, 'it was built again from what was uploaded')
}

/** The id that what lies in a version's folder has. */
async function idOfFolder(folder: string, { install }: VersionRecord): Promise<string> {
  const paths = (await filesUnder(folder)).filter(({ path }) => install === 'no' || !path.startsWith('node_modules/'))
  const files = await concurrently(
    paths,
    CONCURRENT_LOOKS,
    async ({ path, bytes, executable }): Promise<ManifestFile> => {
      return { path, bytes, executable, sha256: await hashFile(join(folder, path)) }
    },
  )
  return manifestId({ files, install })
}
