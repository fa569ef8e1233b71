import { appendFileSync } from 'node:fs'
import { appendFile, mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { watchFunctions } from '../../../gateway/functions/watch.ts'
import { project, writeTree } from './helpers.ts'

/** Watches; `next` waits for the next report, sorted names. Reports that nobody waited for fail the test. */
async function watching(functionsDir: string) {
  const reports: string[][] = []
  let wake = () => {}
  const fail = (error: Error) => {
    throw error
  }
  const onChange = (names: Set<string>) => {
    reports.push([...names].sort())
    wake()
  }
  const watch = await watchFunctions(functionsDir, onChange, fail)
  onTestFinished(() => watch.close())
  const next = async (): Promise<string[]> => {
    while (reports.length === 0) await new Promise<void>((resolve) => (wake = resolve))
    return reports.shift() as string[]
  }
  return { watch, next, reports }
}

describe('watchFunctions', () => {
  it('names functions that are added, changed and removed', async () => {
    const { functionsDir } = await project({ 'a.ts': '', 'b/index.ts': '' })
    const { next } = await watching(functionsDir)
    await writeTree(functionsDir, { 'a.ts': 'changed' })
    expect(await next()).toEqual(['a'])
    await writeTree(functionsDir, { 'b/lib/deep/new.ts': '' })
    expect(await next()).toEqual(['b'])
    await writeTree(functionsDir, { 'c/index.ts': '' })
    expect(await next()).toEqual(['c'])
    await rm(join(functionsDir, 'b'), { recursive: true })
    expect(await next()).toEqual(['b'])
    await rm(join(functionsDir, 'a.ts'))
    expect(await next()).toEqual(['a'])
  })

  it('reports a change of many files once', async () => {
    const { functionsDir } = await project({ 'a/index.ts': '' })
    const { next, reports } = await watching(functionsDir)
    await writeTree(
      functionsDir,
      Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`a/${i % 7}/${i}.ts`, 'x'])),
    )
    expect(await next()).toEqual(['a'])
    await writeTree(functionsDir, { 'b.ts': '' })
    expect(await next()).toEqual(['b'])
    expect(reports).toEqual([])
  })

  it('waits until a file that is being written has come to rest, without holding up others', async () => {
    const { functionsDir } = await project({ 'slow/index.ts': '', 'quick.ts': '' })
    const { next } = await watching(functionsDir)
    // Both in this event loop, so that there is always a write between two looks, however slow the machine is.
    const writer = setInterval(() => appendFileSync(join(functionsDir, 'slow/data.bin'), 'more'), 5)
    onTestFinished(() => clearInterval(writer))
    await appendFile(join(functionsDir, 'quick.ts'), 'x')
    expect(await next()).toEqual(['quick'])
    clearInterval(writer)
    expect(await next()).toEqual(['slow'])
  })

  it('passes over node_modules, dot files and what is not a function', async () => {
    const { functionsDir } = await project({ 'a/index.ts': '', 'a/node_modules/p/x.js': '', '_shared/x.ts': '' })
    const { next } = await watching(functionsDir)
    await writeTree(functionsDir, {
      'a/node_modules/p/x.js': 'x',
      'a/.cache/x': 'x',
      '.git/HEAD': 'x',
      '_shared/x.ts': 'x',
      'README.md': 'x',
      'last.ts': '',
    })
    expect(await next()).toEqual(['last'])
  })

  it('reports a function when a module changes that it shares or takes from elsewhere', async () => {
    const { dir, functionsDir } = await project({ 'a.ts': '', 'b.ts': '', '_shared/x.ts': '' })
    await writeTree(dir, { 'lib/y.ts': '' })
    const { watch, next } = await watching(functionsDir)
    watch.setOutsideInputs('a', [join(functionsDir, '_shared/x.ts'), join(dir, 'lib/y.ts')])
    watch.setOutsideInputs('b', [join(functionsDir, '_shared/x.ts')])
    await writeTree(functionsDir, { '_shared/x.ts': 'x' })
    expect(await next()).toEqual(['a', 'b'])
    watch.setOutsideInputs('a', [join(dir, 'lib/y.ts')])
    await writeTree(functionsDir, { '_shared/x.ts': 'xx' })
    expect(await next()).toEqual(['b'])
    await writeTree(dir, { 'lib/y.ts': 'y' })
    expect(await next()).toEqual(['a'])
  })

  it('sees files that an editor replaces by renaming, again and again', async () => {
    const { dir, functionsDir } = await project({ 'a/index.ts': '' })
    await writeTree(dir, { 'lib/y.ts': '' })
    const { watch, next } = await watching(functionsDir)
    watch.setOutsideInputs('a', [join(dir, 'lib/y.ts')])
    for (const file of ['functions/a/index.ts', 'lib/y.ts', 'functions/a/index.ts', 'lib/y.ts', 'lib/y.ts']) {
      await writeTree(dir, { draft: `${file}${Math.random()}` })
      await rename(join(dir, 'draft'), join(dir, file))
      expect(await next()).toEqual(['a'])
    }
  })

  it('sees a folder that is moved into place', async () => {
    const { dir, functionsDir } = await project({})
    await mkdir(join(dir, 'ready'))
    await writeTree(dir, { 'ready/index.ts': '' })
    const { next } = await watching(functionsDir)
    await rename(join(dir, 'ready'), join(functionsDir, 'moved'))
    expect(await next()).toEqual(['moved'])
  })
})
