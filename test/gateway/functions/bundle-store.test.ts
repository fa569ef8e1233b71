import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, readdir, readlink, realpath, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { build, stopBuilding } from '../../../gateway/functions/build.ts'
import { BundleStore } from '../../../gateway/functions/bundle-store.ts'
import { ChangedWhileBuilding } from '../../../gateway/functions/write-bundle.ts'
import { project, sourceOf } from './helpers.ts'

async function oneBuild() {
  const { functionsDir, stateDir } = await project({ 'f/index.ts': 'export default 1', 'f/sub/a.txt': 'A' })
  const result = await build(await sourceOf(functionsDir, 'f'))
  return { result, functionsDir, stateDir, store: await BundleStore.open(stateDir) }
}

/** The id of a process that has ended. */
async function deadPid(): Promise<number> {
  const child = spawn(process.execPath, ['--version'], { stdio: 'ignore' })
  await once(child, 'exit')
  return child.pid as number
}

afterAll(stopBuilding)

describe('BundleStore', () => {
  it('writes a bundle that is found again, readable for everybody', async () => {
    const { result, store, stateDir } = await oneBuild()
    const umask = process.umask(0o077)
    const bundle = await store.put(result)
    process.umask(umask)
    expect(bundle).toEqual({
      id: result.id,
      dir: join(stateDir, 'bundles', result.id),
      entryFile: join(stateDir, 'bundles', result.id, 'bundle.mjs'),
    })
    expect((await readdir(bundle.dir)).sort()).toEqual([
      'bundle.json',
      'bundle.mjs',
      'bundle.mjs.map',
      'files',
      'node_modules',
      'package.json',
    ])
    expect(await readdir(join(stateDir, 'tmp'))).toEqual([])
    for (const path of ['bundle.mjs', 'bundle.mjs.map', 'bundle.json', 'files/sub/a.txt']) {
      expect((await stat(join(bundle.dir, path))).mode & 0o777).toBe(0o644)
    }
    for (const path of ['.', 'files', 'files/sub'])
      expect((await stat(join(bundle.dir, path))).mode & 0o777).toBe(0o755)
    expect(await store.has(result.id)).toBe(true)
    expect(await (await BundleStore.open(stateDir)).get(result.id)).toEqual(bundle)
  })

  it('lets many put the same bundle at once, and does not write one that is there', async () => {
    const { result, store, stateDir } = await oneBuild()
    const bundles = await Promise.all(Array.from({ length: 20 }, () => store.put(result)))
    expect(new Set(bundles.map(({ dir }) => dir)).size).toBe(1)
    expect(await readdir(join(stateDir, 'tmp'))).toEqual([])
    expect(await store.verify(result.id)).toBe(true)
    const before = await stat(bundles[0]?.entryFile as string)
    await store.put(result)
    expect((await stat(bundles[0]?.entryFile as string)).ino).toBe(before.ino)
  })

  it('knows nothing of ids that are not there or are not ids', async () => {
    const { store } = await oneBuild()
    for (const id of ['0'.repeat(40), '..', '../bundles', '']) {
      expect([await store.has(id), await store.get(id), await store.verify(id)]).toEqual([false, undefined, false])
    }
  })

  it('notices by verify whatever was changed', async () => {
    const { result, store } = await oneBuild()
    const changes: Record<string, (dir: string) => Promise<unknown>> = {
      code: (dir) => writeFile(join(dir, 'bundle.mjs'), 'export default 2'),
      map: (dir) => writeFile(join(dir, 'bundle.mjs.map'), '{}'),
      file: (dir) => writeFile(join(dir, 'files/sub/a.txt'), 'B'),
      mode: (dir) => chmod(join(dir, 'files/sub/a.txt'), 0o755),
      added: (dir) => writeFile(join(dir, 'files/new'), ''),
      removed: (dir) => rm(join(dir, 'files/sub/a.txt')),
      manifest: (dir) => writeFile(join(dir, 'bundle.json'), '{'),
    }
    for (const [what, change] of Object.entries(changes)) {
      const { dir } = await store.put(result)
      expect(await store.verify(result.id), `before ${what}`).toBe(true)
      await change(dir)
      expect(await store.verify(result.id), what).toBe(false)
      await rm(dir, { recursive: true })
    }
  })

  it('refuses to store files that are no longer those that were built', async () => {
    const { result, store, functionsDir, stateDir } = await oneBuild()
    await writeFile(join(functionsDir, 'f/sub/a.txt'), 'changed')
    await expect(store.put(result)).rejects.toThrow(ChangedWhileBuilding)
    await rm(join(functionsDir, 'f/sub/a.txt'))
    await expect(store.put(result)).rejects.toThrow('sub/a.txt changed while')
    expect(await store.has(result.id)).toBe(false)
    expect(await readdir(join(stateDir, 'tmp'))).toEqual([])
  })

  it('removes at opening what a dead process left, not what a living one is writing', async () => {
    const { stateDir } = await oneBuild()
    const dead = `${await deadPid()}-0123`
    const living = `${process.pid}-0123`
    for (const name of [dead, living, 'whatever'])
      await mkdir(join(stateDir, 'tmp', name, 'files'), { recursive: true })
    await BundleStore.open(stateDir)
    expect(await readdir(join(stateDir, 'tmp'))).toEqual([living])
  })

  it('sweeps all bundles but those to keep', async () => {
    const { functionsDir, stateDir } = await project({ 'a.ts': 'export default 1', 'b.ts': 'export default 2' })
    const store = await BundleStore.open(stateDir)
    const a = await store.put(await build(await sourceOf(functionsDir, 'a')))
    const b = await store.put(await build(await sourceOf(functionsDir, 'b')))
    expect(await store.sweep(new Set([a.id]))).toEqual([b.id])
    expect([await store.has(a.id), await store.has(b.id)]).toEqual([true, false])
    expect(await readdir(join(stateDir, 'tmp'))).toEqual([])
  })

  it('gives functions of the same code bundles of their own where they link different places', async () => {
    const files = (name: string) => ({
      [`${name}/index.js`]: "import n from '@s/nat'; export default n",
      [`${name}/node_modules/@s/nat/package.json`]: '{"version":"1.0.0","gypfile":true,"main":"i.js"}',
      [`${name}/node_modules/@s/nat/i.js`]: 'module.exports = 7',
    })
    const { functionsDir, stateDir } = await project({ ...files('a'), ...files('b') })
    const store = await BundleStore.open(stateDir)
    const a = await store.put(await build(await sourceOf(functionsDir, 'a')))
    const b = await store.put(await build(await sourceOf(functionsDir, 'b')))
    expect(a.id).not.toBe(b.id)
    for (const [bundle, name] of [
      [a, 'a'],
      [b, 'b'],
    ] as const) {
      const link = join(bundle.dir, 'node_modules/@s/nat')
      expect(await readlink(link)).toBe(await realpath(join(functionsDir, name, 'node_modules/@s/nat')))
      expect(await store.verify(bundle.id)).toBe(true)
    }
    await rm(join(functionsDir, 'b'), { recursive: true })
    expect([await store.verify(a.id), await store.verify(b.id)]).toEqual([true, false])
  })

  it('knows a bundle whose link leads elsewhere for damaged', async () => {
    const { dir, functionsDir, stateDir } = await project({ 'f/index.js': "import n from 'sharp'; export default n" })
    const store = await BundleStore.open(stateDir)
    const bundle = await store.put(await build(await sourceOf(functionsDir, 'f')))
    const link = join(bundle.dir, 'node_modules/sharp')
    await rm(link)
    await symlink(dir, link)
    expect(await store.verify(bundle.id)).toBe(false)
  })
})
