/**
 * A gateway with very many deployed functions, from its start to an answer. Their state is made as deployments leave it
 * (folders, bundles, records), by the product's own code and without starting each: that would take a quarter of an hour.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { manifestId } from '../../gateway/deploy/manifest.ts'
import { newRecord, withLive, withVersion } from '../../gateway/deploy/record.ts'
import { RecordStore } from '../../gateway/deploy/record-store.ts'
import { Builder } from '../../gateway/functions/builder.ts'
import { sha256 } from '../../gateway/functions/bundle-id.ts'
import { discoverFolder, type FunctionSource } from '../../gateway/functions/discover.ts'
import { bareStartTimes } from '../lib/bare-start-times.ts'
import { type Gateway, startGateway } from '../lib/gateway.ts'
import { pinningInWords } from '../lib/pinning.ts'
import { makeProject, type Project } from '../lib/project.ts'
import { median } from '../lib/stats.ts'
import type { Progress, Suite } from '../lib/suite.ts'
import { below, mustBe } from '../lib/verdict.ts'

interface Restarted {
  readonly startMs: number
  readonly answerMs: number
  readonly answer: string
  readonly deployed: number
}

export const deployedMany: Suite = {
  name: 'deployed-many',
  question: 'How long does a gateway with very many deployed functions take from its start to an answer?',
  async run(options, progress) {
    const count = options.quick && !options.full ? 1_000 : 10_000
    const rounds = options.rounds ?? 3
    const project = makeProject(() => ({ functions: {}, config: { log: { level: 'warn' } } }))
    try {
      progress(`making ${count} deployed functions`)
      await populate(project, count, progress)
      const bareMs = median(bareStartTimes(project.folder, 10))
      const restarts: Restarted[] = []
      for (let round = 0; round < rounds; round++) {
        restarts.push(await restart(project, count))
        progress(`start ${round + 1}/${rounds}: ${Math.round(restarts.at(-1)!.answerMs)} ms`)
      }
      const answerMs = median(restarts.map((one) => one.answerMs))
      const right = restarts.filter(
        ({ answer, deployed }) => answer === `I am ${middle(count)}\n` && deployed === count,
      )
      return {
        conditions: [pinningInWords, 'From the start of the process to the whole answer of a function that is cold.'],
        table: {
          head: ['deployed', 'until it listens ms', 'until it has answered ms', '÷ bare start', 'bare start ms'],
          rows: [[String(count), median(restarts.map(({ startMs }) => startMs)), answerMs, answerMs / bareMs, bareMs]],
        },
        drawing: {
          title: 'From start to answer',
          unit: ' ms',
          bars: restarts.map((one, at) => ({ label: `start ${at + 1}`, value: one.answerMs })),
        },
        findings: [
          mustBe(rounds, { measure: `starts that served all ${count}`, value: right.length }),
          below(5_000, { measure: `${count} deployed functions: start to answer`, value: answerMs, unit: ' ms' }),
        ],
        raw: restarts,
      }
    } finally {
      project.remove()
    }
  },
}

async function restart(project: Project, count: number): Promise<Restarted> {
  const startedAtMs = performance.now()
  const gateway: Gateway = await startGateway(project)
  try {
    const answer = await (await fetch(`${gateway.url}/${middle(count)}`)).text()
    const answerMs = performance.now() - startedAtMs
    const { functions } = await gateway.status()
    return { startMs: gateway.startMs, answerMs, answer, deployed: functions.length }
  } finally {
    await gateway.stop()
  }
}

async function populate({ folder }: Project, count: number, progress: Progress): Promise<void> {
  const state = join(folder, '.wrangler-free')
  const records = new RecordStore(state)
  await records.open()
  const sources: { source: FunctionSource; id: string; bytes: number }[] = []
  for (let at = 0; at < count; at++) {
    const name = nameOf(at)
    const code = `export default { fetch: () => new Response('I am ${name}\\n') }\n`
    const file = { path: 'index.mjs', bytes: code.length, sha256: sha256(code), executable: false }
    const id = manifestId({ files: [file], install: 'no' })
    const dir = records.folderOf(name, id)
    mkdirSync(dir, { recursive: true })
    writeFileSync(join(dir, 'index.mjs'), code)
    const found = await discoverFolder(name, dir, { runtimeNames: [], runtimeOf: () => null })
    if ('problem' in found) throw new Error(found.problem)
    sources.push({ source: found.source, id, bytes: code.length })
  }
  progress('building them')
  const builder = await Builder.open(state)
  const built = await builder.buildAll(sources.map(({ source }) => source))
  await builder.close()
  for (const { source, id, bytes } of sources) {
    const outcome = built.get(source.name)!
    if (!outcome.ok) throw outcome.error
    const { identity, routes, notes } = source
    const version = {
      number: 1,
      id,
      key: id,
      createdAt: new Date().toISOString(),
      by: 'bench',
      files: 1,
      bytes,
      install: 'no',
      bundle: outcome.bundle.id,
      outsideInputs: outcome.outsideInputs,
      source: { entry: 'index.mjs', identity, file: null, routes, notes },
    } as const
    const record = withLive(withVersion(newRecord(source.name), version, 10), 1)
    // Without the sync of each, which would take minutes.
    writeFileSync(join(records.folderOf(source.name, id), '..', '..', 'record.json'), JSON.stringify(record))
  }
}

function middle(count: number): string {
  return nameOf(count >> 1)
}

function nameOf(at: number): string {
  return `f${String(at).padStart(5, '0')}`
}
