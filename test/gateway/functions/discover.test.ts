import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { discover, functionNameOf, MissingFunctionsFolder } from '../../../gateway/functions/discover.ts'
import { temporaryFolder, writeTree } from './helpers.ts'

async function discovered(tree: Record<string, string>) {
  const dir = await temporaryFolder()
  await writeTree(dir, tree)
  const { functions, problems } = await discover(dir)
  const entries = Object.fromEntries(
    functions.map(({ name, kind, entry }) => [name, `${kind} ${entry.slice(dir.length + 1)}`]),
  )
  return { entries, problems: Object.fromEntries(problems.map(({ name, message }) => [name, message])) }
}

describe('discover', () => {
  it('finds a function in every folder and every code file', async () => {
    const { entries, problems } = await discovered({
      'a.ts': '',
      'b.mjs': '',
      'c.tsx': '',
      'd.cts': '',
      'e/index.ts': '',
      'f/src/index.js': '',
      'g/g.mjs': '',
    })
    expect(problems).toEqual({})
    expect(entries).toEqual({
      a: 'file a.ts',
      b: 'file b.mjs',
      c: 'file c.tsx',
      d: 'file d.cts',
      e: 'folder e/index.ts',
      f: 'folder f/src/index.js',
      g: 'folder g/g.mjs',
    })
  })

  it('passes over what is not a function', async () => {
    const { entries, problems } = await discovered({
      '.hidden/index.ts': '',
      '_shared/db.ts': '',
      '_util.ts': '',
      'node_modules/x/index.js': '',
      'README.md': '',
      'types.d.ts': '',
      'hello.test.ts': '',
      'package.json': '{}',
      'hello.ts': '',
    })
    expect({ entries, problems }).toEqual({ entries: { hello: 'file hello.ts' }, problems: {} })
  })

  it('takes module, then main of package.json where they name a file, else the index', async () => {
    const { entries } = await discovered({
      'one/package.json': '{"module":"esm.js","main":"cjs.cjs"}',
      'one/esm.js': '',
      'one/cjs.cjs': '',
      'two/package.json': '{"module":"gone.js","main":"./lib/main.cjs"}',
      'two/lib/main.cjs': '',
      'two/index.js': '',
      'three/package.json': '{"main":"dist/not-built.js"}',
      'three/index.ts': '',
      'four/package.json': '{"main":"../one/esm.js"}',
      'four/index.ts': '',
    })
    expect(entries).toEqual({
      one: 'folder one/esm.js',
      two: 'folder two/lib/main.cjs',
      three: 'folder three/index.ts',
      four: 'folder four/index.ts',
    })
  })

  it('reports each problem by name and still finds the other functions', async () => {
    const { entries, problems } = await discovered({
      'good.ts': '',
      'empty/notes.md': '',
      'stated/package.json': '{"main":"dist/x.js"}',
      'broken/package.json': '{',
      'twice/index.ts': '',
      'twice.ts': '',
      'thrice.js': '',
      'thrice.ts': '',
      'with space.ts': '',
      [`${'x'.repeat(64)}.ts`]: '',
    })
    expect(Object.keys(entries)).toEqual(['good'])
    expect(problems.empty).toContain(
      'Looked for index.{ts,mts,tsx,js,mjs,cjs}, src/index.*, empty.*, handler.*, main.*, app.*, server.*, mod.*, lambda.*, function.*, and the same in src/',
    )
    expect(problems.stated).toContain('package.json names dist/x.js, which is not a file')
    expect(problems.broken).toContain('broken/package.json cannot be read')
    expect(problems.twice).toContain('twice.ts and twice/ are both the function "twice"')
    expect(problems.thrice).toContain('thrice.js and thrice.ts are both')
    expect(problems['with space']).toContain('cannot be served under this name')
    expect(problems['x'.repeat(64)]).toContain('1 to 63')
  })

  it.skipIf(process.getuid?.() === 0)('reports a folder that may not be read', async () => {
    const dir = await temporaryFolder()
    await mkdir(join(dir, 'locked'))
    await chmod(join(dir, 'locked'), 0)
    expect((await discover(dir)).problems[0]?.message).toContain('locked/ cannot be read')
  })

  it('says where it looked when there is no functions folder', async () => {
    const dir = await temporaryFolder()
    const missing = await discover(join(dir, 'functions')).catch((error: unknown) => error)
    expect(missing).toBeInstanceOf(MissingFunctionsFolder)
    expect((missing as Error).message).toContain(`There is no folder ${join(dir, 'functions')}`)
    await writeFile(join(dir, 'file'), '')
    await expect(discover(join(dir, 'file'))).rejects.toThrow('is a file, not a folder of functions')
  })

  it('names the function that a path belongs to', () => {
    expect(functionNameOf('hello', false)).toBe('hello')
    expect(functionNameOf('hello.ts', true)).toBe('hello')
    expect(functionNameOf('notes.md', true)).toBeUndefined()
    expect(functionNameOf('_shared', false)).toBeUndefined()
  })
})
