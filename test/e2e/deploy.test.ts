/** Deploying as users do it: what the command says, what callers get, and what is left as it was when it fails. */
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ask, cli, clientOf, deployBy, deployed, saying, stateOf, temporaryFolder, write } from './deploying.ts'
import { type GatewayUnderTest, shareGateway, startGateway } from './gateway-under-test.ts'
import { eventually } from './processes.ts'

const shared = shareGateway({ functions: { here: "export default () => new Response('of the folder')\n" } })

async function said(gateway: GatewayUnderTest, path: string, headers: Record<string, string> = {}): Promise<string> {
  const response = await gateway.fetch(path, { headers })
  return response.text()
}

describe('a deployment', () => {
  it('is live, then the next one, and goes back', async () => {
    const gateway = shared()
    expect(await deployed(gateway, 'hello', saying('one'))).toMatchObject({ live: 1, previous: null, isKnown: false })
    expect(await said(gateway, '/hello')).toBe('one one')
    expect(await deployed(gateway, 'hello', saying('two'))).toMatchObject({ live: 2, previous: 1 })
    expect(await said(gateway, '/hello/below?x=1')).toBe('two two')
    expect((await cli(gateway, ['rollback', 'hello'])).stdout).toMatch(
      /^hello version 1 is live, version 2 before after/,
    )
    expect(await said(gateway, '/hello')).toBe('one one')
    expect((await cli(gateway, ['promote', 'hello', '2'])).code).toBe(0)
    expect(await said(gateway, '/hello')).toBe('two two')
    expect(await gateway.statusOf('hello')).toMatchObject({ version: 2, error: null, routes: ['/hello', '/hello/*'] })
  })

  it('of the same content costs nothing, whether it is live or was', async () => {
    const gateway = shared()
    await deployed(gateway, 'same', saying('one'))
    expect(await deployed(gateway, 'same', saying('one'))).toMatchObject({ live: 1, isKnown: true, isUnchanged: true })
    await deployed(gateway, 'same', saying('two'))
    expect(await deployed(gateway, 'same', saying('one'))).toMatchObject({ live: 1, isKnown: true, isUnchanged: false })
    expect(await said(gateway, '/same')).toBe('one one')
  })

  it('tells each step with its time, and how it ended', async () => {
    const gateway = shared()
    const folder = write(gateway, 'steps', { ...saying('one'), 'function.json': '{ "health": {}, "minWorkers": 2 }' })
    const { stdout, stderr } = await cli(gateway, ['deploy', folder])
    const steps = stderr.split('\n').map((line) => /^(\w+) +[\d.]+ ms/.exec(line)?.[1])
    expect(steps.filter(Boolean)).toEqual(['pack', 'upload', 'verify', 'build', 'boot', 'health', 'warm', 'switch'])
    expect(stdout).toMatch(/^steps version 1 is live after [\d.]+ ms\n$/)
  })

  it('is called by its own name, whichever version it is', async () => {
    const gateway = shared()
    const source = 'exports.handler = async () => ({ statusCode: 200, body: process.env.AWS_LAMBDA_FUNCTION_NAME })\n'
    await deployed(gateway, 'lambda', { 'index.cjs': source, 'function.json': '{ "format": "lambda" }' })
    expect(await said(gateway, '/lambda')).toBe('lambda')
  })

  it('of a single file is a function as well', async () => {
    const gateway = shared()
    gateway.project.write('sources/lonely.ts', "export default () => new Response('lonely' as string)\n")
    expect((await cli(gateway, ['deploy', gateway.project.path('sources/lonely.ts')])).code).toBe(0)
    expect(await said(gateway, '/lonely')).toBe('lonely')
  })

  it('has the name of its folder, whole', async () => {
    const gateway = shared()
    await deployed(gateway, 'api', saying('api'))
    await deployed(gateway, 'api.v2', saying('next'))
    expect([await said(gateway, '/api'), await said(gateway, '/api.v2')]).toEqual(['api api', 'next next'])
  })

  it('takes packages along that have packages of their own, without the links to their programs', async () => {
    const gateway = shared()
    const folder = write(gateway, 'nested', {
      'index.js': "import words from 'words'\nexport default () => new Response(words)\n",
      'node_modules/words/package.json': '{ "name": "words", "version": "1.0.0", "main": "index.js" }',
      'node_modules/words/index.js': "module.exports = require('deep')\n",
      'node_modules/words/node_modules/deep/package.json': '{ "name": "deep", "version": "1.0.0", "main": "run.js" }',
      'node_modules/words/node_modules/deep/run.js': "module.exports = 'from deep down'\n",
    })
    mkdirSync(join(folder, 'node_modules/words/node_modules/.bin'))
    symlinkSync('../deep/run.js', join(folder, 'node_modules/words/node_modules/.bin/deep'))
    const { code, stderr } = await cli(gateway, ['deploy', folder])
    expect(code, stderr).toBe(0)
    expect(await said(gateway, '/nested')).toBe('from deep down')
  })

  it('takes its packages along, and leaves out what is ignored', async () => {
    const gateway = shared()
    await deployed(gateway, 'packed', {
      'index.js': "import words from 'words'\nexport default () => new Response(words)\n",
      'node_modules/words/package.json': '{ "name": "words", "version": "1.0.0", "main": "index.js" }',
      'node_modules/words/index.js': "module.exports = 'of a package'\n",
      'node_modules/.bin/words': 'not needed',
      '.gitignore': 'node_modules\n*.log\n!kept.log\n',
      'much.log': 'x',
      'kept.log': 'x',
      'deep/.wranglerfreeignore': 'secret.txt\n',
      'deep/secret.txt': 'x',
      'deep/open.txt': 'x',
      '.env': 'PASSWORD=x',
    })
    expect(await said(gateway, '/packed')).toBe('of a package')
    const [id] = readdirSync(join(stateOf(gateway), 'deploy/functions/packed')).filter((name) => name !== 'record.json')
    const folder = join(stateOf(gateway), 'deploy/functions/packed', id!, 'packed')
    const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
    expect(files.map(({ name }) => name).sort()).toEqual([
      'index.js',
      'index.js',
      'kept.log',
      'open.txt',
      'package.json',
    ])
  })
})

describe('what fails leaves the live version as it is, and says why', () => {
  const failing: readonly [what: string, files: Record<string, string>, words: RegExp][] = [
    [
      'code that does not build',
      { 'index.js': 'export default () => {' },
      /does not build: .*index\.js:\d+.*the function's fault: build-failed/,
    ],
    [
      'a module that throws',
      { 'index.js': "throw new Error('not today')" },
      /does not load: Error: not today.*init-failed/,
    ],
    ['no function at all', { 'readme.txt': 'nothing' }, /build-failed/],
    ['a function.json with a mistake', { ...saying('x'), 'function.json': '{ "timout": 1 }' }, /timout/],
    [
      'a health check that is answered otherwise',
      { ...saying('x'), 'function.json': '{ "health": { "path": "/up", "status": 204 } }' },
      /GET \/up, its health check, was answered with 200 and has to be answered with 204.*health-failed/,
    ],
    [
      'a health check that throws',
      { 'index.js': "export default () => { throw new Error('ill') }", 'function.json': '{ "health": {} }' },
      /health check, was answered with 500|health check, failed/,
    ],
    [
      'a secret that is not given to it',
      { ...saying('x'), 'function.json': '{ "secrets": ["KEY"] }' },
      /"KEY".*the gateway's fault: secret-missing/,
    ],
  ]
  it.each(failing)('%s', async (_, files, words) => {
    const gateway = shared()
    await deployed(gateway, 'steady', saying('steady'))
    const folder = write(gateway, `bad${failing.findIndex((one) => one[1] === files)}`, files)
    const ran = await cli(gateway, ['deploy', folder, '--name', 'steady'])
    expect(ran.code).toBe(1)
    expect(ran.stderr).toMatch(words)
    expect(await said(gateway, '/steady')).toBe('steady steady')
    const { versions } = JSON.parse((await cli(gateway, ['versions', 'steady', '--json'])).stdout)
    expect(versions).toHaveLength(1)
    const left = readdirSync(join(stateOf(gateway), 'deploy/functions/steady')).sort()
    expect(left).toEqual([versions[0].id, 'record.json'].sort())
    const { functions } = await gateway.status()
    expect(functions.filter(({ name }) => name.includes('@'))).toEqual([])
  })

  it('a health check whose answer does not fit into memory', async () => {
    const gateway = shared()
    const peakKiB = (): number =>
      Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${gateway.pid}/status`, 'utf8'))?.[1])
    const before = peakKiB()
    const files = {
      'index.js': `const bytes = new Uint8Array(1 << 20)
export default () => {
  let left = 400
  const pull = (controller) => left-- > 0 ? controller.enqueue(bytes) : controller.close()
  return new Response(new ReadableStream({ pull }))
}
`,
      'function.json': '{ "health": {} }',
    }
    await deployed(gateway, 'large', files)
    expect(peakKiB() - before).toBeLessThan(200 * 1024)
  })

  it('a name that the folder has', async () => {
    const gateway = shared()
    const ran = await cli(gateway, ['deploy', write(gateway, 'here', saying('x'))])
    expect(ran.code).toBe(1)
    expect(ran.stderr).toMatch(/"here" is a function of the folder .*name-taken/)
    expect(await said(gateway, '/here')).toBe('of the folder')
  })

  it('a file of the gateway that it imports, and tells nothing of what is in it', async () => {
    const gateway = shared()
    const admin = '../../../../../admin.json'
    expect(existsSync(join(stateOf(gateway), 'deploy/functions/x/y/z', admin))).toBe(true)
    const source = `import key from '${admin}'\nexport default () => new Response(JSON.stringify(key))\n`
    const ran = await cli(gateway, ['deploy', write(gateway, 'thief', { 'index.js': source })])
    expect(ran.code).toBe(1)
    expect(ran.stderr).toMatch(/outside of its folder/)
    gateway.project.write('.wrangler-free/secret.js', 'this is no JavaScript')
    const other = "import '../../../../../secret.js'\nexport default () => new Response('')\n"
    const again = await cli(gateway, ['deploy', write(gateway, 'thief2', { 'index.js': other })])
    expect(again.stderr).toMatch(/outside of its folder/)
    expect(again.stderr).not.toContain('this is no JavaScript')
  })

  it('a name that is no text, before anything is sent', async () => {
    const gateway = shared()
    const folder = write(gateway, 'bytes', saying('x'))
    writeFileSync(Buffer.concat([Buffer.from(`${folder}/a`), Buffer.from([0xff])]), 'x')
    const ran = await cli(gateway, ['deploy', folder])
    expect([ran.code, ran.stderr]).toEqual([2, expect.stringContaining('is no text in UTF-8')])
  })

  it('a link in the folder, before anything is sent', async () => {
    const gateway = shared()
    const folder = write(gateway, 'linked', saying('x'))
    symlinkSync('/etc/passwd', join(folder, 'passwd'))
    const ran = await cli(gateway, ['deploy', folder])
    expect([ran.code, ran.stderr]).toEqual([2, expect.stringContaining('passwd is a symbolic link')])
  })
})

describe('a version without traffic', () => {
  it('is called by its key, at an address of its own or with a header, and by nothing else', async () => {
    const gateway = shared()
    await deployed(gateway, 'stage', saying('live'))
    const { version, live } = await deployed(gateway, 'stage', saying('next'), ['--preview'])
    expect(live).toBe(1)
    expect(await said(gateway, '/stage')).toBe('live live')
    expect(await said(gateway, `/stage@${version.key}/deep`)).toBe('next next')
    expect(await said(gateway, '/stage', { 'wrangler-free-version': version.key })).toBe('next next')
    expect(await said(gateway, '/stage', { 'wrangler-free-version': '2' })).toBe('live live')
    // RFC 3986, 6.2.2: paths get their normal form before a version is looked for.
    const get = (path: string) => `GET ${path} HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n`
    for (const path of [
      `/x/../stage@${version.key}/`,
      `/%2E%2e/%73tage@${version.key}/`,
      `/x\\..\\stage@${version.key}/`,
    ])
      expect(await gateway.raw(get(path)), path).toContain('next next')
    expect(await gateway.raw(get(`/stage@${version.key}/../stage`))).toContain('live live')
    expect((await gateway.problem('/stage@2')).code).toBe('not-found')
    expect((await gateway.problem('/stage@')).code).toBe('not-found')
    expect((await cli(gateway, ['promote', 'stage', '2'])).code).toBe(0)
    expect(await said(gateway, '/stage')).toBe('next next')
  })

  it('may be the first there is', async () => {
    const gateway = shared()
    const { version, live } = await deployed(gateway, 'first', saying('first'), ['--preview'])
    expect(live).toBe(null)
    expect((await gateway.problem('/first')).code).toBe('not-found')
    expect(await said(gateway, `/first@${version.key}/`)).toBe('first first')
  })

  it('is called by its number where the configuration says so', async () => {
    const gateway = await startGateway({ functions: {}, config: { deploy: { preview: 'open' } } })
    await deployed(gateway, 'stage', saying('live'))
    await deployed(gateway, 'stage', saying('next'), ['--preview'])
    expect(await said(gateway, '/stage@2/')).toBe('next next')
    expect(await said(gateway, '/stage', { 'wrangler-free-version': '2' })).toBe('next next')
  })
})

describe('versions', () => {
  it('are kept, the last ones', async () => {
    const gateway = await startGateway({ functions: {}, config: { deploy: { keep: 3, keepWarm: '0ms' } } })
    const client = clientOf(gateway)
    for (const words of ['one', 'two', 'three', 'four', 'five']) await deployBy(client, 'many', saying(words))
    const { body } = await ask(client, 'GET', '/v1/functions/many/versions')
    const { versions } = body as unknown as { versions: { number: number; id: string }[] }
    expect(versions.map(({ number }) => number)).toEqual([3, 4, 5])
    const folder = join(stateOf(gateway), 'deploy/functions/many')
    const kept = ['record.json', ...versions.map(({ id }) => id)].sort()
    await eventually(() => JSON.stringify(readdirSync(folder).sort()) === JSON.stringify(kept))
    await eventually(() => readdirSync(join(stateOf(gateway), 'bundles')).length === 3)
    // What was removed is a new version when it is deployed again.
    expect((await deployBy(client, 'many', saying('one'))).body).toMatchObject({ live: 6, isKnown: false })
    expect((await ask(client, 'POST', '/v1/functions/many/live', { version: '2' })).status).toBe(404)
  })

  it('go with their function when it is removed, and its name is free', async () => {
    const gateway = shared()
    await deployed(gateway, 'short', saying('x'))
    expect((await cli(gateway, ['remove', 'short'])).code).toBe(0)
    expect((await gateway.problem('/short')).code).toBe('not-found')
    expect(existsSync(join(stateOf(gateway), 'deploy/functions/short'))).toBe(false)
    expect(await deployed(gateway, 'short', saying('y'))).toMatchObject({ live: 1 })
  })

  it('with a folder of the same name: whoever was there first keeps it, and that is said', async () => {
    const state = temporaryFolder()
    const first = await startGateway({ functions: {}, config: { state } })
    await deployBy(clientOf(first, state), 'twice', saying('deployed'))
    await first.stop()
    const functions = { twice: "export default () => new Response('of the folder')\n" }
    const second = await startGateway({ functions, config: { state } })
    expect(await said(second, '/twice')).toBe('deployed deployed')
    expect((await second.logged(({ msg }) => msg.includes('is not served'))).msg).toContain(
      'wrangler-free remove twice',
    )
  })
})

describe('callers', () => {
  it('notice nothing of switches: no call fails, each answer is one version, and none goes back', async () => {
    const gateway = await startGateway({ functions: {}, config: { overrides: { busy: { minWorkers: 2 } } } })
    const client = clientOf(gateway)
    await deployBy(client, 'busy', saying('0'))
    let isOver = false
    const caller = async (): Promise<number> => {
      let last = 0
      let calls = 0
      for (; !isOver; calls++) {
        const response = await gateway.fetch('/busy')
        const [code, data] = (await response.text()).split(' ')
        expect([response.status, code]).toEqual([200, data])
        expect(Number(code)).toBeGreaterThanOrEqual(last)
        last = Number(code)
      }
      return calls
    }
    const callers = [caller(), caller(), caller(), caller()]
    for (let at = 1; at <= 8; at++) expect((await deployBy(client, 'busy', saying(String(at)))).status).toBe(200)
    isOver = true
    for (const calls of await Promise.all(callers)) expect(calls).toBeGreaterThan(8)
    expect(await said(gateway, '/busy')).toBe('8 8')
  })

  it('who wait for a version that goes get the one that comes', async () => {
    const gateway = await startGateway({
      functions: {},
      config: {
        deploy: { keepWarm: '0ms' },
        overrides: { slow: { maxWorkers: 1, concurrency: 1, env: { GO: '<folder>/go' } } },
      },
    })
    const source = (words: string): Record<string, string> => ({
      'index.js': `import { existsSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
export default async () => {
  while ('${words}' === 'old' && !existsSync(process.env.GO)) await setTimeout(5)
  return new Response('${words}')
}
`,
    })
    const client = clientOf(gateway)
    await deployBy(client, 'slow', source('old'))
    const running = said(gateway, '/slow')
    const waiting = said(gateway, '/slow')
    await gateway.waitForFunction('slow', ({ queue }) => queue === 1)
    await deployBy(client, 'slow', source('new'))
    expect(await waiting).toBe('new')
    gateway.project.write('go', '')
    expect(await running).toBe('old')
  })
})

describe('many at once', () => {
  it('who goes back does not wait for a version that is being made, which is live in its turn', async () => {
    const gateway = await startGateway({ functions: {}, config: { overrides: { ill: { env: { DIR: '<folder>' } } } } })
    const client = clientOf(gateway)
    for (const words of ['one', 'two']) await deployBy(client, 'ill', saying(words))
    const checked = deployBy(client, 'ill', {
      'index.js': `import { existsSync, writeFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
export default async (request) => {
  const isCheck = new URL(request.url).pathname === '/up'
  if (isCheck) console.log('asked how it is')
  while (isCheck && !existsSync(process.env.DIR + '/go')) await setTimeout(5)
  return new Response('three')
}
`,
      'function.json': '{ "health": { "path": "/up" } }',
    })
    await gateway.logged(({ msg }) => msg.includes('asked how it is'))
    expect((await ask(client, 'POST', '/v1/functions/ill/live', {})).body).toMatchObject({ live: 1 })
    expect(await said(gateway, '/ill')).toBe('one one')
    gateway.project.write('go', '')
    expect((await checked).body).toMatchObject({ live: 3, previous: 1 })
    expect(await said(gateway, '/ill')).toBe('three')
    expect((await ask(client, 'POST', '/v1/functions/ill/live', {})).body).toMatchObject({ live: 1 })
  })

  it('eight clients deploy the same function: one after the other, and the last is live', async () => {
    const gateway = shared()
    const client = clientOf(gateway)
    const all = await Promise.all(Array.from({ length: 8 }, (_, at) => deployBy(client, 'storm', saying(`s${at}`))))
    expect(all.map(({ status }) => status)).toEqual(all.map(() => 200))
    const { body } = await ask(client, 'GET', '/v1/functions/storm/versions')
    const { live, versions } = body as unknown as { live: number; versions: { number: number }[] }
    expect(live).toBe(8)
    expect(versions.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
    const [code, data] = (await said(gateway, '/storm')).split(' ')
    expect(code).toBe(data)
  })

  it('one command deploys to two gateways', async () => {
    const [one, other] = [shared(), await startGateway({ functions: {} })]
    await deployed(one, 'both', saying('one'))
    await deployed(other, 'both', saying('other'))
    expect([await said(one, '/both'), await said(other, '/both')]).toEqual(['one one', 'other other'])
  })
})
