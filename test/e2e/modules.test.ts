/**
 * Code that loads by names known at run time, under every isolation: packages in the function's folder, hoisted above it,
 * linked from a workspace; as a folder, as a single file, and deployed.
 */
import { mkdirSync, symlinkSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { noSandboxBecause } from '../../warmpool/sandbox/available.ts'
import { cli, write } from './deploying.ts'
import { shareGateway } from './gateway-under-test.ts'
import type { Project } from './project.ts'

const LOADS = `
const { createRequire } = require('node:module')
const { once } = require('node:events')
const { fork } = require('node:child_process')
const { Worker } = require('node:worker_threads')
const names = ['own-package', 'hoisted', '@work/space']
exports.GET = async () => {
  const thread = new Worker(__dirname + '/thread.cjs', { workerData: names })
  const [threaded] = await once(thread, 'message')
  const child = fork(__dirname + '/program.cjs', names)
  const [forked] = await once(child, 'message')
  return Response.json({
    required: names.map((name) => require(name).said),
    created: names.map((name) => createRequire(__filename)(name).said),
    resolved: names.map((name) => require(require.resolve(name)).said),
    imported: await Promise.all(names.map(async (name) => (await import(name)).default.said)),
    threaded,
    forked,
  })
}
`
const THREAD = `const { parentPort, workerData } = require('node:worker_threads')
parentPort.postMessage(workerData.map((name) => require(name).said))`
const PROGRAM = `process.send(process.argv.slice(2).map((name) => require(name).said))
process.disconnect()`
const FOLDER = {
  'index.js': LOADS,
  'thread.cjs': THREAD,
  'program.cjs': PROGRAM,
  'node_modules/own-package/index.js': "exports.said = 'own'",
}
const FILE = `
import { createRequire } from 'node:module'
const pick = (at) => ['hoisted', '@work/space', './lib.js'][at]
export const GET = async () => Response.json([
  (await import(pick(0))).default.said, createRequire(import.meta.url)(pick(1)).said, import.meta.resolve(pick(0)).endsWith('/hoisted/index.js'),
])
`
const ALL = ['own', 'hoisted', 'space']
const FOUND = { required: ALL, created: ALL, resolved: ALL, imported: ALL, threaded: ALL, forked: ALL }
const noSandbox = noSandboxBecause('none')
const PROFILES = ['trusted', 'process', ...(noSandbox === null ? ['sandbox'] : [])]
if (noSandbox !== null) console.warn(`SKIPPED  modules in a sandbox: ${noSandbox}`)

function workspace(project: Project): void {
  project.write('node_modules/hoisted/index.js', "exports.said = 'hoisted'")
  project.write('packages/space/index.js', "exports.said = require('hoisted').said && 'space'")
  mkdirSync(project.path('node_modules/@work'))
  symlinkSync('../../packages/space', project.path('node_modules/@work/space'))
}

describe('code that loads by names known at run time', () => {
  const gateway = shareGateway({
    functions: Object.fromEntries(
      PROFILES.flatMap((one) => [
        [`folder-${one}`, FOLDER],
        [`file-${one}.mjs`, FILE],
      ]),
    ),
    prepare: workspace,
    config: {
      overrides: Object.fromEntries(
        PROFILES.flatMap((one) => ['folder', 'file'].map((kind) => [`${kind}-${one}`, { isolation: one }])),
      ),
    },
  })

  it.each(PROFILES)('finds every package as in the source folder: %s', async (profile) => {
    expect(await (await gateway().fetch(`/folder-${profile}`)).json()).toEqual(FOUND)
    expect(await (await gateway().fetch(`/file-${profile}`)).json()).toEqual(['hoisted', 'space', true])
  })

  it('finds the packages of a deployed folder, and those above the gateway', async () => {
    const folder = write(gateway(), 'deployed', FOLDER)
    expect(await cli(gateway(), ['deploy', folder])).toMatchObject({ code: 0 })
    expect(await (await gateway().fetch('/deployed')).json()).toEqual(FOUND)
  })
})
