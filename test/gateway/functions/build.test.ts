import { cp, mkdir, readFile, readlink, realpath, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { build, stopBuilding } from '../../../gateway/functions/build.ts'
import { Builder } from '../../../gateway/functions/builder.ts'
import { built, failed, project, REPOSITORY, run, sourceOf, writeTree } from './helpers.ts'

/** Builds and stores one function of a fresh project. */
async function outcomeOf(tree: Record<string, string>, name: string) {
  const { functionsDir, stateDir } = await project(tree)
  return (await Builder.open(stateDir)).buildOne(await sourceOf(functionsDir, name))
}
const bundleOf = async (tree: Record<string, string>, name: string) => built(await outcomeOf(tree, name))

afterAll(stopBuilding)

describe('what the runtime sees of an entry', () => {
  it('is the default export of a module', async () => {
    const bundle = await bundleOf({ 'a.ts': 'export default (x: number): number => x + 1' }, 'a')
    expect(await run(bundle, '[Object.keys(m), m.default(1)]')).toEqual([['default'], 2])
  })

  it('is the named exports of a module, without a default that is not there', async () => {
    const bundle = await bundleOf({ 'a.ts': 'export const GET = () => 1\nexport function POST() { return 2 }' }, 'a')
    expect(await run(bundle, '[Object.keys(m), m.GET(), m.POST()]')).toEqual([['GET', 'POST'], 1, 2])
  })

  it('is module.exports as the default of a CommonJS file', async () => {
    const bundle = await bundleOf({ 'a.cjs': 'module.exports = (x) => x + 1' }, 'a')
    expect(await run(bundle, '[Object.keys(m), m.default(1)]')).toEqual([['default', 'module.exports'], 2])
  })

  it('is named exports of CommonJS however they were written', async () => {
    const tree = {
      'assigned/index.js': 'exports.GET = () => 1\nmodule.exports.POST = () => 2',
      'literal.js': 'function GET() { return 1 }\nmodule.exports = { GET, POST: () => 2, async PUT() { return {} } }',
      'defined.js':
        'Object.defineProperty(exports, "GET", { enumerable: true, get: () => () => 1 }); exports.POST = () => 2',
    }
    for (const name of ['assigned', 'literal', 'defined']) {
      const bundle = await bundleOf(tree, name)
      expect(await run(bundle, '[m.GET(), m.POST(), m.default === m["module.exports"]]')).toEqual([1, 2, true])
    }
  })

  it('is named exports of CommonJS beside a package that says its license', async () => {
    const tree = {
      'f/index.js': 'require("licensed"); exports.POST = () => 2',
      'f/node_modules/licensed/package.json': '{}',
      'f/node_modules/licensed/index.js': '/*! @license MIT */\nexports.a = 1 //! by somebody',
    }
    expect(await run(await bundleOf(tree, 'f'), '[Object.keys(m).sort(), m.POST()]')).toEqual([
      ['POST', 'default', 'module.exports'],
      2,
    ])
  })

  it('is exports.default of CommonJS that was transpiled from a module', async () => {
    const text =
      'Object.defineProperty(exports, "__esModule", { value: true }); exports.default = () => 1; exports.x = 2'
    expect(await run(await bundleOf({ 'a.js': text }, 'a'), '[m.default(), m.x]')).toEqual([1, 2])
  })
})

describe('bundling', () => {
  it('puts packages of node_modules into the bundle', async () => {
    const bundle = await bundleOf(
      {
        'api/index.ts': `import { Hono } from 'hono'
          const app = new Hono().get('/hi', (c) => c.text('hello'))
          export default app`,
      },
      'api',
    )
    const answer = '(await m.default.fetch(new Request("http://x/hi"))).text()'
    expect(await run(bundle, answer)).toBe('hello')
    // Code that loads by a name known at run time finds the same packages as its sources do.
    expect(await readlink(join(bundle.dir, 'node_modules'))).toBe(join(REPOSITORY, 'node_modules'))
    const { externals } = JSON.parse(await readFile(join(bundle.dir, 'bundle.json'), 'utf8'))
    expect(externals).toEqual([])
  })

  it('links a package with native parts beside the bundle', async () => {
    const bundle = await bundleOf(
      {
        'pic/index.ts': `import sharp from 'sharp'
          export default async () => {
            const input = { create: { width: 8, height: 4, channels: 3 as const, background: 'red' } }
            const png = await sharp(input).png().toBuffer()
            return (await sharp(png).resize(2).metadata()).width + ' ' + (await sharp(png).metadata()).format
          }`,
      },
      'pic',
    )
    expect(await run(bundle, 'm.default()')).toBe('8 png')
    expect(await readlink(join(bundle.dir, 'node_modules/sharp'))).toBe(
      await realpath(join(REPOSITORY, 'node_modules/sharp')),
    )
    expect(await readFile(bundle.entryFile, 'utf8')).toContain('from "sharp"')
    const { externals } = JSON.parse(await readFile(join(bundle.dir, 'bundle.json'), 'utf8'))
    const sharp = { name: 'sharp', version: expect.stringMatching(/^0\.35\./) }
    expect(externals).toEqual([{ ...sharp, dir: await realpath(join(REPOSITORY, 'node_modules/sharp')) }])
  })

  it('knows packages with native parts by each of their marks', async () => {
    const marks: Record<string, Record<string, string>> = {
      gypfile: { 'package.json': '{"gypfile":true}' },
      binary: { 'package.json': '{"binary":{"module_name":"x"}}' },
      script: { 'package.json': '{"scripts":{"install":"prebuild-install || node-gyp rebuild"}}' },
      platform: { 'package.json': '{"optionalDependencies":{"@x/y-linux-arm64-gnu":"1"}}' },
      gyp: { 'package.json': '{}', 'binding.gyp': '' },
      prebuilds: { 'package.json': '{}', 'prebuilds/linux-x64/x.node': '' },
      release: { 'package.json': '{}', 'build/Release/x.node': '' },
      '@scope/napi': { 'package.json': '{"napi":{}}' },
      plain: { 'package.json': '{"scripts":{"install":"echo"},"optionalDependencies":{"fsevents":"2"}}' },
    }
    const tree: Record<string, string> = {}
    for (const [name, files] of Object.entries(marks)) {
      tree[`f/node_modules/${name}/index.js`] = 'module.exports = 1'
      for (const [path, text] of Object.entries(files)) tree[`f/node_modules/${name}/${path}`] = text
    }
    tree['f/index.js'] = Object.keys(marks)
      .map((name, i) => `import a${i} from '${name}'; export const b${i} = a${i}`)
      .join('\n')
    const { functionsDir } = await project(tree)
    const { externals } = await build(await sourceOf(functionsDir, 'f'))
    expect(externals.map(({ name }) => name)).toEqual(
      Object.keys(marks)
        .filter((name) => name !== 'plain')
        .sort(),
    )
  })

  it('refuses two versions of one native package and names both places', async () => {
    const { functionsDir } = await project({
      'f/index.js': "import a from 'nat'; import b from 'other'; export default [a, b]",
      'f/node_modules/nat/package.json': '{"version":"1.0.0","gypfile":true}',
      'f/node_modules/nat/index.js': '',
      'f/node_modules/other/package.json': '{}',
      'f/node_modules/other/index.js': "export { default } from 'nat'",
      'f/node_modules/other/node_modules/nat/package.json': '{"version":"2.0.0","gypfile":true}',
      'f/node_modules/other/node_modules/nat/index.js': '',
    })
    const error = build(await sourceOf(functionsDir, 'f'))
    await expect(error).rejects.toThrow(/Two copies of the native package "nat".*1\.0\.0.*2\.0\.0|2\.0\.0.*1\.0\.0/)
  })

  it('gives bundled CommonJS a working require, and modules their own createRequire', async () => {
    const bundle = await bundleOf(
      {
        'f/index.mjs': `import { createRequire } from 'node:module'
          import late from './late.cjs'
          const require = createRequire(import.meta.url)
          export default () => [late('node:path').sep, require('./data.json').a]`,
        'f/late.cjs': 'module.exports = (name) => require(name)',
        'f/data.json': '{"a":1}',
      },
      'f',
    )
    expect(await run(bundle, 'm.default()')).toEqual(['/', 1])
  })

  it('runs top-level await, JSON, text, JSX by tsconfig and a #! line', async () => {
    const bundle = await bundleOf(
      {
        'f/index.tsx': `#!/usr/bin/env node
          import data from './data.json'
          import text from './note.txt'
          const h = (tag: string) => tag + import.meta.dirname.slice(-5)
          export default await Promise.resolve([data.a, text, <b />])`,
        'f/tsconfig.json': '{"compilerOptions":{"jsx":"react","jsxFactory":"h"}}',
        'f/data.json': '{"a":1}',
        'f/note.txt': 'note',
      },
      'f',
    )
    expect(await run(bundle, 'm.default')).toEqual([1, 'note', 'bfiles'])
  })

  it('shows the author’s file and line in a stack trace', async () => {
    const bundle = await bundleOf(
      {
        'f/lib/deep.ts': 'type A = 1\n\nexport const where = (): string => import.meta.url + new Error().stack',
        'f/index.ts': "export { where as default } from './lib/deep.ts'",
      },
      'f',
    )
    expect(await run(bundle, 'm.default()')).toContain(`${bundle.dir}/files/lib/deep.ts:3`)
    expect(await readFile(`${bundle.entryFile}.map`, 'utf8')).not.toContain('__wfMeta')
  })
})

describe('the function’s own files', () => {
  const reader = `import { readFileSync } from 'node:fs'
    export const ways = () => [
      readFileSync('data/a.txt', 'utf8'),
      readFileSync(new URL('../data/a.txt', import.meta.url), 'utf8'),
      readFileSync(import.meta.dirname + '/../data/a.txt', 'utf8'),
      import.meta.filename,
    ]`

  it('are read from the bundle by a module, whether by cwd, import.meta.url or import.meta.dirname', async () => {
    const tree = {
      'f/index.ts': "export { ways as default } from './src/r.ts'",
      'f/src/r.ts': reader,
      'f/data/a.txt': 'A',
    }
    const bundle = await bundleOf(tree, 'f')
    expect(await run(bundle, 'm.default()')).toEqual(['A', 'A', 'A', `${bundle.dir}/files/src/r.ts`])
  })

  it('are read from the bundle by CommonJS with __dirname and __filename', async () => {
    const bundle = await bundleOf(
      {
        'f/lib/i.cjs':
          '"use strict"\nexports.GET = () => [require("fs").readFileSync(__dirname + "/b.txt", "utf8"), __filename]',
        'f/lib/b.txt': 'B',
        'f/package.json': '{"main":"lib/i.cjs"}',
      },
      'f',
    )
    expect(await run(bundle, 'm.GET()')).toEqual(['B', `${bundle.dir}/files/lib/i.cjs`])
  })

  it('leave a module’s own __dirname alone', async () => {
    const text = `import { dirname } from 'node:path'; import { fileURLToPath } from 'node:url'
      const __dirname = dirname(fileURLToPath(import.meta.url)); export default __dirname`
    const bundle = await bundleOf({ 'f/index.js': text }, 'f')
    expect(await run(bundle, 'm.default')).toBe(`${bundle.dir}/files`)
  })

  it('of a single file are none, in a folder that exists', async () => {
    const bundle = await bundleOf({ 'f.ts': 'export default [import.meta.dirname, process.cwd()]', 'g.ts': '' }, 'f')
    expect(await run(bundle, 'm.default')).toEqual([`${bundle.dir}/files`, `${bundle.dir}/files`])
    expect(await run(bundle, '(await import("node:fs")).readdirSync(".")')).toEqual([])
  })

  it('are not those of a package, which finds its real place', async () => {
    const { functionsDir, stateDir } = await project({
      'f/index.js': "export { default } from 'pkg'",
      'f/node_modules/pkg/index.js': 'module.exports = __filename',
    })
    const bundle = built(await (await Builder.open(stateDir)).buildOne(await sourceOf(functionsDir, 'f')))
    expect(await run(bundle, 'm.default')).toBe(join(functionsDir, 'f/node_modules/pkg/index.js'))
  })

  it('keep links that stay inside, link node_modules, and leave out what begins with a dot', async () => {
    const { functionsDir, stateDir } = await project({
      'f/index.js': 'export default 1',
      'f/a/real.txt': 'R',
      'f/.env': 'SECRET=1',
      'f/node_modules/p/x.js': '',
    })
    await symlink('a/real.txt', join(functionsDir, 'f/linked.txt'))
    const bundle = built(await (await Builder.open(stateDir)).buildOne(await sourceOf(functionsDir, 'f')))
    const listed = await run(bundle, '(await import("node:fs")).readdirSync(".", { recursive: true }).sort()')
    const own = (listed as string[]).filter((path) => !path.startsWith('node_modules/'))
    expect(own).toEqual(['a', 'a/real.txt', 'index.js', 'linked.txt', 'node_modules'])
    expect(await readlink(join(bundle.dir, 'files/node_modules'))).toBe(join(functionsDir, 'f/node_modules'))
    expect(await readFile(join(bundle.dir, 'files/linked.txt'), 'utf8')).toBe('R')
  })

  it('may not link out of the folder', async () => {
    const { dir, functionsDir, stateDir } = await project({ 'f/index.js': 'export default 1' })
    await writeFile(join(dir, 'secret'), 'S')
    await mkdir(join(functionsDir, 'f/sub'))
    await symlink('../../../secret', join(functionsDir, 'f/sub/link'))
    const error = failed(await (await Builder.open(stateDir)).buildOne(await sourceOf(functionsDir, 'f')))
    expect(error.message).toContain(`The link sub/link leads out of the function's folder, to ${dir}/secret`)
    expect(error.file).toBe('f/sub/link')
  })
})

describe('a function that does not build', () => {
  it('says file, line and the code of a syntax error', async () => {
    const error = failed(
      await outcomeOf({ 'f/lib/x.ts': 'export const a = 1\nconst = 2\n', 'f/index.ts': "import './lib/x.ts'" }, 'f'),
    )
    expect(error).toMatchObject({
      functionName: 'f',
      file: 'f/lib/x.ts',
      line: 2,
      column: 6,
      message: 'Expected identifier but found "="',
    })
    expect(error.frame).toContain('f/lib/x.ts:2:6')
    expect(error.frame).toContain('2 │ const = 2')
    expect(error.frame).not.toContain('\u001b')
  })

  it('says the right column where a prefix was put before the line', async () => {
    const error = failed(await outcomeOf({ 'f.ts': 'const a = import.meta.url, = 2' }, 'f'))
    expect(error).toMatchObject({ file: 'f.ts', line: 1, column: 27 })
    expect(error.frame).not.toContain('__wf')
  })

  it('says which import is missing, with its line and what to do', async () => {
    const tree = {
      'f/index.ts': "import a from 'no-such-package/sub'\nimport b from './gone.ts'\nexport default [a, b]",
    }
    const error = failed(await outcomeOf(tree, 'f'))
    expect(error.problems.map(({ message, line }) => `${line} ${message}`)).toEqual([
      '1 Could not resolve "no-such-package/sub"',
      '2 Could not resolve "./gone.ts"',
    ])
    expect(error.frame).toContain('Run `npm install no-such-package` in f/ or in the project')
    expect(error.frame).toContain('There is no such file')
    expect(error.frame).not.toContain('external')
  })

  it('says that cloudflare modules exist on Cloudflare only', async () => {
    const error = failed(
      await outcomeOf({ 'f.ts': "import { connect } from 'cloudflare:sockets'\nexport default connect" }, 'f'),
    )
    expect(error.frame).toContain('exists on Cloudflare only')
  })

  it('says what to do about imports that Deno would fetch', async () => {
    const text = "import { a } from 'jsr:@std/async'\nimport b from 'https://deno.land/x/b.ts'\nexport default [a, b]"
    const { problems } = failed(await outcomeOf({ 'f.ts': text }, 'f'))
    expect(problems.map(({ line, message }) => `${line} ${message}`)).toEqual([
      expect.stringMatching(/^1 .*run `npx jsr add @std\/async`/),
      expect.stringMatching(/^2 .*"vendor": true.*install the package and import it by its name/),
    ])
  })

  it('names a file above its folder by its place under the functions folder', async () => {
    const error = failed(await outcomeOf({ 'f/index.ts': "import '../_shared/x.ts'", '_shared/x.ts': 'let 1' }, 'f'))
    expect(error.file).toBe('_shared/x.ts')
  })
})

describe('the id of a bundle', () => {
  const tree = {
    'f/index.ts':
      "import { Hono } from 'hono'\nimport x from './x.cjs'\nexport default [new Hono(), import.meta.url, x]",
    'f/x.cjs': 'module.exports = __dirname',
    'f/y.txt': 'y',
  }

  it('is the same wherever the folder lies, and no path of the machine is in the bundle', async () => {
    const { dir, functionsDir } = await project(tree)
    const deep = join(dir, 'some/where/else')
    await cp(functionsDir, deep, { recursive: true })
    const [one, two] = [await build(await sourceOf(functionsDir, 'f')), await build(await sourceOf(deep, 'f'))]
    expect(two.code).toBe(one.code)
    expect(two.map).toBe(one.map)
    expect(two.id).toBe(one.id)
    expect(one.code).not.toContain(dir)
    expect(one.map).not.toContain(dir)
    expect(one.id).toMatch(/^[0-9a-f]{40}$/)
  })

  it('is the same for CommonJS packages, near and far', async () => {
    const { dir, functionsDir } = await project({ 'f/index.js': "import p from 'p'; export default p" })
    const cjs = {
      'p/package.json': '{"version":"1.0.0"}',
      'p/index.js': "module.exports = require('./b')",
      'p/b.js': 'exports.b = 1',
    }
    await writeTree(join(functionsDir, 'node_modules'), cjs)
    const near = await build(await sourceOf(functionsDir, 'f'))
    await cp(join(functionsDir, 'f'), join(functionsDir, '_x/y/f'), { recursive: true })
    const far = await build(await sourceOf(join(functionsDir, '_x/y'), 'f'))
    expect(far.id).toBe(near.id)
    expect(near.code).toContain('"node_modules/p/b.js"(exports)')
    expect(near.code).not.toContain(dir)
  })

  it('changes with the code, with a file that is only read, and with its executable bit', async () => {
    const { functionsDir } = await project(tree)
    const source = await sourceOf(functionsDir, 'f')
    const ids = [(await build(source)).id]
    await writeFile(join(functionsDir, 'f/y.txt'), 'z')
    ids.push((await build(source)).id)
    await writeTree(functionsDir, { 'f/x.cjs': 'module.exports = 2' })
    ids.push((await build(source)).id)
    await writeFile(join(functionsDir, 'f/run.sh'), '', { mode: 0o644 })
    ids.push((await build(source)).id)
    await (await import('node:fs/promises')).chmod(join(functionsDir, 'f/run.sh'), 0o755)
    ids.push((await build(source)).id)
    expect(new Set(ids).size).toBe(5)
  })
})
