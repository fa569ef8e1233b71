import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { type Config, changedWithRestart, loadConfig, watchConfig } from '../../../gateway/config/index.ts'
import { loadWritten, tempFolder } from './temp-folder.ts'

const CONFIG = 'wrangler-free.config.ts'
const withPort = (port: number) => `export default { listen: { port: ${port} } }`

/** Watches a folder's configuration; `next()` waits for one more report: a port, or a mistake's text. */
async function watchFolder(cwd: string, afterLoading = () => {}) {
  const options = { cwd, env: {} }
  const reports: (number | string)[] = []
  let wake = () => {}
  const tell = (report: number | string) => {
    reports.push(report)
    wake()
  }
  const config = await loadConfig(options)
  afterLoading()
  const watcher = watchConfig(config, options, {
    onChange: (next) => tell(next.listen.port),
    onError: (error) => tell(error.message),
  })
  onTestFinished(() => watcher.close())
  await watcher.ready
  const next = async () => {
    if (reports.length === 0) await new Promise<void>((resolve) => (wake = resolve))
    return reports.shift()
  }
  return { next, watcher, reports }
}

test('a change is reported, however the file is written', async () => {
  const cwd = await tempFolder({ [CONFIG]: withPort(1) })
  const { next } = await watchFolder(cwd)
  await writeFile(join(cwd, CONFIG), withPort(2))
  expect(await next()).toBe(2)
  for (const port of [3, 4, 5]) {
    await writeFile(join(cwd, '.tmp'), withPort(port))
    await rename(join(cwd, '.tmp'), join(cwd, CONFIG))
    expect(await next()).toBe(port)
  }
})

test('a file written in pieces is read once, when it is whole', async () => {
  const cwd = await tempFolder({ [CONFIG]: withPort(1) })
  const { next, reports } = await watchFolder(cwd)
  writeFileSync(join(cwd, CONFIG), '')
  writeFileSync(join(cwd, CONFIG), 'export default {')
  writeFileSync(join(cwd, CONFIG), withPort(2))
  expect(await next()).toBe(2)
  expect(reports).toEqual([])
})

test('a change of an imported file is reported, also of one that is imported since', async () => {
  const cwd = await tempFolder({
    [CONFIG]: `import port from './a.ts'\nexport default { listen: { port } }`,
    'a.ts': 'export default 1',
    'b.ts': 'export default 10',
  })
  const { next } = await watchFolder(cwd)
  await writeFile(join(cwd, 'a.ts'), 'export default 2')
  expect(await next()).toBe(2)
  await writeFile(join(cwd, CONFIG), `import port from './b.ts'\nexport default { listen: { port } }`)
  expect(await next()).toBe(10)
  await writeFile(join(cwd, 'b.ts'), 'export default 11')
  expect(await next()).toBe(11)
})

test('a change that means the same is not reported', async () => {
  const cwd = await tempFolder({ [CONFIG]: withPort(1) })
  const { next } = await watchFolder(cwd)
  const read = once(process, 'same-was-read')
  await writeFile(join(cwd, CONFIG), `process.emit('same-was-read')\n${withPort(1)}`)
  await read
  await writeFile(join(cwd, CONFIG), withPort(2))
  expect(await next()).toBe(2)
})

test('a mistake is reported, and what is valid after it, even when it is what was before', async () => {
  const cwd = await tempFolder({ [CONFIG]: withPort(1) })
  const { next } = await watchFolder(cwd)
  await writeFile(join(cwd, CONFIG), withPort(-1))
  expect(await next()).toContain('found -1')
  await writeFile(join(cwd, CONFIG), 'export default {')
  expect(await next()).toContain('found end of file')
  await writeFile(join(cwd, CONFIG), withPort(1))
  expect(await next()).toBe(1)
})

test('a mistake in a file that was not imported before is noticed to be mended', async () => {
  const cwd = await tempFolder({ [CONFIG]: withPort(1), 'new.ts': 'export default' })
  const { next } = await watchFolder(cwd)
  await writeFile(join(cwd, CONFIG), `import port from './new.ts'\nexport default { listen: { port } }`)
  expect(await next()).toContain('new.ts:1:')
  await writeFile(join(cwd, 'new.ts'), 'export default 6')
  expect(await next()).toBe(6)
})

test('a file that is deleted is reported, and noticed when it is back', async () => {
  const cwd = await tempFolder({ [CONFIG]: withPort(1) })
  const { next } = await watchFolder(cwd)
  await rm(join(cwd, CONFIG))
  expect(await next()).toContain('there is no such file')
  await writeFile(join(cwd, CONFIG), withPort(2))
  expect(await next()).toBe(2)
})

test('a change between loading and watching is not missed', async () => {
  const cwd = await tempFolder({ [CONFIG]: withPort(1) })
  const { next } = await watchFolder(cwd, () => writeFileSync(join(cwd, CONFIG), withPort(2)))
  expect(await next()).toBe(2)
})

test('after close nothing is reported', async () => {
  const cwd = await tempFolder({ [CONFIG]: withPort(1) })
  const { watcher, reports } = await watchFolder(cwd)
  const other = await watchFolder(cwd)
  writeFileSync(join(cwd, CONFIG), withPort(2))
  await watcher.close()
  expect(await other.next()).toBe(2)
  expect(reports).toEqual([])
})

test('without a file there is nothing to watch', async () => {
  const options = { cwd: await tempFolder(), env: {} }
  const nobody = () => {}
  const watcher = watchConfig(await loadConfig(options), options, { onChange: nobody, onError: nobody })
  await watcher.ready
  await watcher.close()
})

test('only bound addresses and the state folder need a restart', async () => {
  const flags = { functions: '/f', state: '/s' }
  const old: Config = await loadWritten({}, { flags })
  const changed = {
    listen: { host: '::1', port: 1, trustProxy: true, serverTiming: true },
    admin: { host: 'localhost', port: 2, token: 'sixteen-letters!' },
    limits: { body: 1, keepAliveTimeout: 1 },
    pool: { maxWorkers: 3 },
    routes: [{ path: '/', function: 'a' }],
    log: { level: 'debug' },
  }
  const next = await loadWritten(changed, { flags: { functions: '/g', state: '/t' } })
  expect(changedWithRestart(old, next)).toEqual(['listen.host', 'listen.port', 'admin.host', 'admin.port', 'state'])
  expect(changedWithRestart(old, await loadWritten({ ...changed, listen: {}, admin: {} }, { flags }))).toEqual([])
})
