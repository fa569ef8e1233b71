import { execFile } from 'node:child_process'
import { chmod, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { loadConfig } from '../../../gateway/config/index.ts'
import { mistakesOf, tempFolder } from './temp-folder.ts'

const CONFIG = 'wrangler-free.config.ts'
const load = (cwd: string) => loadConfig({ cwd, env: {} })

test('defineConfig comes from this installation, also where nothing is installed', async () => {
  const cwd = await tempFolder({
    [CONFIG]: `import { defineConfig } from 'wrangler-free'\nexport default defineConfig({ listen: { port: 7 } })`,
  })
  const config = await load(cwd)
  expect(config.listen.port).toBe(7)
  expect(config.files).toEqual([join(cwd, CONFIG)])
})

test('a file that changed is read anew, and so is a file that it imports', async () => {
  const cwd = await tempFolder({
    [CONFIG]: `import { port } from './shared/port.ts'\nimport more from './more.json'\nexport default { listen: { port }, ...more }`,
    'shared/port.ts': 'export const port: number = 1',
    'more.json': '{ "log": { "level": "warn" } }',
  })
  const first = await load(cwd)
  expect(first.files.toSorted()).toEqual([join(cwd, 'more.json'), join(cwd, 'shared/port.ts'), join(cwd, CONFIG)])
  expect(first.files[0]).toBe(join(cwd, CONFIG))
  await writeFile(join(cwd, 'shared/port.ts'), 'export const port: number = 2')
  await writeFile(join(cwd, 'more.json'), '{ "log": { "level": "error" } }')
  const second = await load(cwd)
  expect([first.listen.port, second.listen.port]).toEqual([1, 2])
  expect([first.log.level, second.log.level]).toEqual(['warn', 'error'])
})

test('a file that is the same is run again, for what it reads may differ', async () => {
  const cwd = await tempFolder({
    [CONFIG]: `import { readFileSync } from 'node:fs'
      export default { listen: { port: Number(readFileSync(import.meta.dirname + '/port.txt', 'utf8')) } }`,
    'port.txt': '1',
  })
  expect((await load(cwd)).listen.port).toBe(1)
  await writeFile(join(cwd, 'port.txt'), '2')
  expect((await load(cwd)).listen.port).toBe(2)
})

test('packages beside the file are imported, as modules and as CommonJS', async () => {
  const cwd = await tempFolder({
    'deploy/wrangler-free.config.ts': `import { port } from 'modern/port'\nimport old from 'old'\nexport default { listen: { port, host: old.host } }`,
    'node_modules/modern/package.json':
      '{ "name": "modern", "type": "module", "exports": { "./port": "./lib/port.js" } }',
    'node_modules/modern/lib/port.js': 'export const port = 5',
    'node_modules/old/package.json': '{ "name": "old", "main": "main.js" }',
    'node_modules/old/main.js': `module.exports = { host: 'old.example' }`,
  })
  const config = await loadConfig({ cwd, file: 'deploy/wrangler-free.config.ts', env: {} })
  expect(config.listen).toMatchObject({ port: 5, host: 'old.example' })
  expect(config.files).toEqual([join(cwd, 'deploy/wrangler-free.config.ts')])
})

test('each file knows where it lies', async () => {
  const cwd = await tempFolder({
    [CONFIG]: `import { functions } from './inner/paths.ts'\nexport default { functions, state: import.meta.dirname + '/here' }`,
    'inner/paths.ts': `import { fileURLToPath } from 'node:url'\nexport const functions = fileURLToPath(new URL('./fns', import.meta.url))`,
  })
  const config = await load(cwd)
  expect([config.functionsDir, config.stateDir]).toEqual([join(cwd, 'inner/fns'), join(cwd, 'here')])
})

test('a folder that may not be written is enough, and nothing is left in it', async () => {
  const cwd = await tempFolder({ [CONFIG]: 'export default { listen: { port: 3 } }' })
  await chmod(cwd, 0o555)
  expect((await load(cwd)).listen.port).toBe(3)
  expect(await readdir(cwd)).toEqual([CONFIG])
  await chmod(cwd, 0o755)
})

test('a mistake of syntax is shown with file, line, column and the lines around', async () => {
  const cwd = await tempFolder({ [CONFIG]: `export default {\n  listen: { host: 'x' port: 80 },\n}\n` })
  const { message, problems } = await mistakesOf(load(cwd))
  expect(problems).toMatchObject([{ kind: 'file', path: `${CONFIG}:2:23` }])
  expect(message).toBe(
    [
      `${CONFIG} cannot be used:`,
      `  ${CONFIG}:2:23   Expected "}" but found "port"`,
      '',
      '    1 | export default {',
      "  > 2 |   listen: { host: 'x' port: 80 },",
      '      |                       ^',
      '    3 | }',
      '',
    ].join('\n'),
  )
})

test('a mistake in an imported file is shown there, and the file is known for watching', async () => {
  const cwd = await tempFolder({ [CONFIG]: `import './inner/bad.ts'\nexport default {}`, 'inner/bad.ts': 'const = 1' })
  const error = await mistakesOf(load(cwd))
  expect(error.problems).toMatchObject([{ path: 'inner/bad.ts:1:7' }])
  expect(error.files).toEqual([join(cwd, CONFIG), join(cwd, 'inner/bad.ts')])
})

test('an import that leads nowhere is shown at its line', async () => {
  const cwd = await tempFolder({ [CONFIG]: `\nimport nothing from 'not-installed'\nexport default nothing` })
  const { problems } = await mistakesOf(load(cwd))
  expect(problems).toMatchObject([{ path: `${CONFIG}:2:21`, found: expect.stringContaining('"not-installed"') }])
})

test('an exception is shown with its message and its place, also in an imported file', async () => {
  const cwd = await tempFolder({
    [CONFIG]: `import { port } from './inner/port.ts'\ninterface Unused { a: 1 }\nexport default { listen: { port: port() } }`,
    'inner/port.ts': `type Also = 'unused'\nexport function port(): number {\n  throw new RangeError('no port left')\n}`,
  })
  const { problems } = await mistakesOf(load(cwd))
  expect(problems).toMatchObject([{ path: 'inner/port.ts:3:9', found: 'RangeError: no port left' }])
  expect(problems[0]?.frame).toContain(`> 3 |   throw new RangeError('no port left')`)
})

test('something thrown that is no error is shown as it is', async () => {
  const cwd = await tempFolder({ [CONFIG]: `await Promise.reject('just text')\nexport default {}` })
  expect((await mistakesOf(load(cwd))).message).toContain('it threw just text')
})

test('a promise of the configuration is awaited', async () => {
  const cwd = await tempFolder({ [CONFIG]: 'export default Promise.resolve({ listen: { port: 4 } })' })
  // In a Node of its own: vitest wraps what modules export, and its wrapped promises cannot be awaited.
  const script = `
    import { loadConfig } from ${JSON.stringify(new URL('../../../gateway/config/index.ts', import.meta.url).href)}
    const config = await loadConfig({ cwd: ${JSON.stringify(cwd)}, env: {} })
    console.log(config.listen.port)`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script])
  expect(stdout).toBe('4\n')
})
