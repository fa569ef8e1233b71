import { readdir, readFile, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { stopBuilding } from '../../../gateway/functions/build.ts'
import { Builder } from '../../../gateway/functions/builder.ts'
import { discover } from '../../../gateway/functions/discover.ts'
import { listFolder } from '../../../gateway/functions/folder-files.ts'
import { built, failed, project, run, sourceOf, temporaryFolder, writeTree } from './helpers.ts'

/** A gateway's start: opens the state anew and builds all. Tells for each function whether it came from the cache. */
async function start({ functionsDir, stateDir }: { functionsDir: string; stateDir: string }) {
  const outcomes = await (await Builder.open(stateDir)).buildAll((await discover(functionsDir)).functions)
  const cached = [...outcomes].map(([name, outcome]) => [name, outcome.ok ? outcome.cached : 'failed'] as const)
  return { outcomes, cached: Object.fromEntries(cached.sort()) }
}

/** Moves a file's time into the past: what changed while a build ran is rightly not taken from the cache. */
async function age(path: string): Promise<void> {
  const { mtimeMs } = await stat(path)
  await utimes(path, mtimeMs / 1000 - 60, mtimeMs / 1000 - 60)
}

afterAll(stopBuilding)

describe('Builder', () => {
  it('builds all that can be built and reports the others', async () => {
    const { functionsDir, stateDir } = await project({
      'a.ts': 'export default 1',
      'b.ts': 'export default',
      'c/index.ts': '',
    })
    const builder = await Builder.open(stateDir)
    const progress: string[] = []
    const { functions } = await discover(functionsDir)
    const outcomes = await builder.buildAll(functions, {
      concurrency: 2,
      onProgress: ({ done, total, source, outcome }) => progress.push(`${done}/${total} ${source.name} ${outcome.ok}`),
    })
    expect(await run(built(outcomes.get('a')), 'm.default')).toBe(1)
    expect(failed(outcomes.get('b'))).toMatchObject({ name: 'BuildError', functionName: 'b', file: 'b.ts', line: 1 })
    expect(progress.map((line) => line.slice(0, 3))).toEqual(['1/3', '2/3', '3/3'])
    expect(progress.map((line) => line.slice(4)).sort()).toEqual(['a true', 'b false', 'c true'])
  })

  it('makes the same bundles whether functions are built together or each alone', async () => {
    const { functionsDir, stateDir } = await project({
      'plain.ts': 'export default () => new Response()',
      'where.js': 'export const here = import.meta.url\nexport default 1',
      'uses-another.js': "export { here } from './where.js'\nexport default 2",
      'common.cjs': 'module.exports = { GET: () => 1 }',
      'shared.ts': "import { Hono } from 'hono'\nimport { x } from './_shared/x.ts'\nexport default [Hono, x]",
      '_shared/x.ts': 'export const x = import.meta.filename',
      'styled.js': "import './_shared/style.css'\nexport default 3",
      '_shared/style.css': 'a { color: red }',
      'native.js': "import './_shared/addon.node'\nexport default 4",
      '_shared/addon.node': '',
      'folder/index.ts': 'export default 5',
      'broken.ts': 'export default',
      'lost.ts': "export * from './nowhere.ts'",
    })
    const { functions } = await discover(functionsDir)
    const together = await (await Builder.open(stateDir)).buildAll(functions)
    const alone = await Builder.open(await temporaryFolder())
    for (const source of functions) {
      const [outcome, expected] = [together.get(source.name)!, await alone.buildOne(source)]
      if (!expected.ok) expect(failed(outcome)).toEqual(expected.error)
      else {
        expect(`${source.name} ${built(outcome).id}`).toBe(`${source.name} ${expected.bundle.id}`)
        expect(outcome).toMatchObject({ cached: false, outsideInputs: expected.outsideInputs })
      }
    }
    expect(await run(built(together.get('uses-another')), 'm.here')).toBe(`file://${functionsDir}/where.js`)
  })

  it('builds nothing again after a restart, and the bundles are the same', async () => {
    const place = await project({ 'a.ts': 'export default 1', 'b/index.ts': "export { Hono } from 'hono'" })
    const first = await start(place)
    const second = await start(place)
    expect(first.cached).toEqual({ a: false, b: false })
    expect(second.cached).toEqual({ a: true, b: true })
    expect(built(second.outcomes.get('b'))).toEqual(built(first.outcomes.get('b')))
  })

  it('builds again what changed, also by a new file, a lost file, a shared module or a package', async () => {
    const place = await project({
      'plain.ts': 'export default 1',
      'grows/index.ts': 'export default 1',
      'shrinks/index.ts': 'export default 1',
      'shrinks/data.txt': '',
      'shared/index.ts': "export { x } from '../_shared/x.ts'",
      '_shared/x.ts': 'export const x = 1',
      'uses/index.ts': "export { default } from 'pkg'",
      'uses/node_modules/pkg/index.js': 'export default 1',
    })
    const { functionsDir } = place
    const outside = ['_shared/x.ts', 'uses/node_modules/pkg/index.js']
    for (const path of outside) await age(join(functionsDir, path))
    await start(place)
    const unchanged = { plain: true, grows: true, shrinks: true, shared: true, uses: true }
    expect((await start(place)).cached).toEqual(unchanged)
    await writeTree(functionsDir, { 'plain.ts': 'export default 22' })
    expect((await start(place)).cached).toEqual({ ...unchanged, plain: false })
    await writeTree(functionsDir, { 'grows/sub/new.txt': '' })
    expect((await start(place)).cached).toEqual({ ...unchanged, grows: false })
    await rm(join(functionsDir, 'shrinks/data.txt'))
    expect((await start(place)).cached).toEqual({ ...unchanged, shrinks: false })
    await writeTree(functionsDir, { '_shared/x.ts': 'export const x = 22' })
    await age(join(functionsDir, '_shared/x.ts'))
    expect((await start(place)).cached).toEqual({ ...unchanged, shared: false })
    await writeTree(functionsDir, { 'uses/node_modules/pkg/index.js': 'export default 22' })
    const last = await start(place)
    expect(last.cached).toEqual({ ...unchanged, uses: false })
    expect(await run(built(last.outcomes.get('uses')), 'm.default')).toBe(22)
  })

  it('tells what a bundle was made from outside its folder, built or cached', async () => {
    const place = await project({
      'f/index.ts': "import '../_shared/x.ts'; import './y.ts'",
      'f/y.ts': '',
      '_shared/x.ts': '',
    })
    const shared = join(place.functionsDir, '_shared/x.ts')
    await age(shared)
    for (const cached of [false, true]) {
      const { outcomes } = await start(place)
      expect(outcomes.get('f')).toMatchObject({ ok: true, cached, outsideInputs: [shared] })
    }
  })

  it('does not trust a cache that is damaged, of another version, or whose bundles are gone', async () => {
    const place = await project({ 'a.ts': 'export default 1' })
    const file = join(place.stateDir, 'builds.json')
    await start(place)
    const intact = await readFile(file, 'utf8')
    for (const text of [
      '',
      '{',
      'null',
      '{"records":{}}',
      intact.replace('layout', 'other'),
      intact.replace(/"own":\[.*?\]\]/, '"own":7'),
    ]) {
      await writeFile(file, text)
      expect((await start(place)).cached, text).toEqual({ a: false })
      expect((await start(place)).cached).toEqual({ a: true })
    }
    await rm(join(place.stateDir, 'bundles'), { recursive: true })
    expect((await start(place)).cached).toEqual({ a: false })
    expect(await readdir(join(place.stateDir, 'tmp'))).toEqual([])
  })

  it('forgets a success when the function breaks, and finds the old bundle when it is repaired', async () => {
    const { functionsDir, stateDir } = await project({ 'a.ts': 'export default 1' })
    const builder = await Builder.open(stateDir)
    const source = await sourceOf(functionsDir, 'a')
    const before = built(await builder.buildOne(source))
    await writeFile(source.entry, 'export default =')
    failed(await builder.buildOne(source))
    failed(await builder.buildOne(source))
    await writeFile(source.entry, 'export default 1')
    expect(built(await builder.buildOne(source))).toEqual(before)
  })

  it('builds a function that is reached by a link, as a folder and as a file', async () => {
    const { dir, functionsDir, stateDir } = await project({})
    await writeTree(dir, { 'elsewhere/real/index.ts': 'export default import.meta.url', 'elsewhere/one.ts': 'let 1' })
    await symlink('../elsewhere/real', join(functionsDir, 'f'))
    await symlink('../elsewhere/one.ts', join(functionsDir, 'g.ts'))
    const builder = await Builder.open(stateDir)
    const bundle = built(await builder.buildOne(await sourceOf(functionsDir, 'f')))
    expect(await run(bundle, 'm.default')).toBe(`file://${bundle.dir}/files/index.ts`)
    expect(failed(await builder.buildOne(await sourceOf(functionsDir, 'g'))).line).toBe(1)
  })

  it('says so when a function vanishes before it is built', async () => {
    const { functionsDir, stateDir } = await project({ 'a/index.ts': '' })
    const source = await sourceOf(functionsDir, 'a')
    await rm(source.dir, { recursive: true })
    expect(failed(await (await Builder.open(stateDir)).buildOne(source)).message).toContain('cannot be read')
  })
})

describe('listFolder', () => {
  it('refuses a folder that is too large, links that lead nowhere, and links into what is left out', async () => {
    const dir = await temporaryFolder()
    await writeTree(dir, { 'a.bin': 'x'.repeat(3_000_000), 'node_modules/p.js': '' })
    await expect(listFolder(dir, 1024 * 1024)).rejects.toThrow('The folder holds 3 MiB of files; 1 MiB are allowed.')
    await symlink('gone', join(dir, 'link'))
    await expect(listFolder(dir)).rejects.toThrow('The link link leads to gone, which does not exist.')
    await rm(join(dir, 'link'))
    await symlink('node_modules/p.js', join(dir, 'link'))
    await expect(listFolder(dir)).rejects.toThrow('leads to node_modules/p.js, which is not part of a bundle')
  })
})
