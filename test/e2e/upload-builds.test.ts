/** What building an upload cannot do to the machine of the gateway: read its files, eat its memory, stop its loop. */
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { childrenOf } from '../../warmpool/resources/process-table.ts'
import { type Answer, clientOf, deployBy, type Files } from './deploying.ts'
import { type GatewayUnderTest, type Setup, shareGateway, startGateway } from './gateway-under-test.ts'
import { IS_SUPERUSER, ORDINARY_USER } from './ordinary-user.ts'
import { eventually } from './processes.ts'

const SECRET = 'thewordsofthesecret'
/** Answers with the map of its own bundle, which holds the sources that the bundler found. */
const TELLS_MAP =
  "import { readFileSync } from 'node:fs'\nexport default () => new Response(readFileSync('../bundle.mjs.map'))\n"
const ABOVE = '../'.repeat(14)
const PLAIN = "export default () => new Response('x')\n"
/** Each way to make the bundler read a file of the gateway's user. `<secret>` has no ending. */
const READS: Readonly<Record<string, Files>> = {
  'a source map': { 'index.js': `${TELLS_MAP}//# source${'MappingURL'}=<map>\n` },
  'a source map by its address': { 'index.js': `${TELLS_MAP}//# source${'MappingURL'}=file://<map>\n` },
  'an import as JSON': { 'index.js': "import a from '<json>' with { type: 'json' }\nexport default () => a\n" },
  'an import as text': {
    'index.js': "import a from '<text>' with { type: 'text' }\nexport default () => new Response(a)\n",
  },
  'a relative import': { 'index.js': `import a from '${ABOVE}<text>'\nexport default () => new Response(a)\n` },
  'a required file without an ending': { 'index.js': "module.exports = () => require('<secret>')\n" },
  'a tsconfig that extends it': { 'index.ts': PLAIN, 'tsconfig.json': '{ "extends": "<json>" }' },
  'a tsconfig that extends one that extends it': {
    'index.ts': PLAIN,
    'tsconfig.json': '{ "extends": "./base.json" }',
    'base.json': '{ "\\u0065xtends": "<json>" }',
  },
  'paths of a tsconfig': {
    'index.ts': "import a from 'a'\nexport default () => new Response(a)\n",
    'tsconfig.json': '{ "compilerOptions": { "paths": { "a": ["<text>"] } } }',
  },
  'the main of a package': {
    'index.js': "import a from 'a'\nexport default () => new Response(a)\n",
    'node_modules/a/package.json': `{ "name": "a", "version": "1.0.0", "main": "${ABOVE}<text>" }`,
  },
  'a folder called node_modules': {
    'index.js': "import a from '<folder>/x/node_modules/y/secret.json'\nexport default () => Response.json(a)\n",
  },
}

const setup: Setup = {
  functions: { near: "export default () => new Response('near')\n" },
  config: { deploy: { buildTimeout: '20s', buildMemory: '400MiB' } },
}

async function tried(
  gateway: GatewayUnderTest,
  name: string,
  upload: Files,
): Promise<Answer & { readonly all: string }> {
  const { folder } = gateway.project
  const files = {
    'secrets/plain.txt': SECRET,
    // These are no code and no JSON, and a message says at which word.
    'secrets/private': `token ${SECRET}`,
    'secrets/data.json': `{ "token": 1 ${SECRET}`,
    'secrets/a.map': JSON.stringify({ version: 3, sources: ['s'], sourcesContent: [SECRET], mappings: 'AAAA' }),
    'x/node_modules/y/secret.json': JSON.stringify({ a: SECRET }),
  }
  for (const [path, text] of Object.entries(files)) gateway.project.write(path, text)
  const placed = Object.fromEntries(
    Object.entries(upload).map(([path, text]) => [
      path,
      text
        .replaceAll('<secret>', `${folder}/secrets/private`)
        .replaceAll('<text>', `${folder}/secrets/plain.txt`)
        .replaceAll('<json>', `${folder}/secrets/data.json`)
        .replaceAll('<map>', `${folder}/secrets/a.map`)
        .replaceAll('<folder>', folder),
    ]),
  )
  const answer = await deployBy(clientOf(gateway), name, placed)
  const called = answer.status === 200 ? await (await gateway.fetch(`/${name}`)).text() : ''
  return { ...answer, all: JSON.stringify(answer.body) + called }
}

/** The gateway keeps what it confines processes with in a folder that only its user may write. This one is not. */
function folderForAll(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'wrangler-free-open-')))
  const compiled = join(folder, `wrangler-free-compiled-${process.getuid!()}`)
  mkdirSync(compiled)
  chmodSync(compiled, 0o777)
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1')
  } catch {
    return ''
  }
}

function descendantsOf(pid: number): number[] {
  return (childrenOf(pid) ?? []).flatMap((child) => [child, ...descendantsOf(child)])
}

/** Below the process that builds an upload, or that one: the gateway has a bundler of its own. */
function isInside(gateway: GatewayUnderTest, pid: number): boolean {
  const builders = (childrenOf(gateway.pid) ?? []).filter((child) => commandLine(child).includes('confined-run'))
  return builders.some((builder) => builder === pid || descendantsOf(builder).includes(pid))
}

const gateways: Readonly<Record<string, Partial<Setup>>> = {
  'as the user of these tests': {},
  ...(IS_SUPERUSER && ORDINARY_USER !== null ? { 'as an ordinary user': { user: ORDINARY_USER } } : {}),
  'where the kernel cannot confine it': { env: { TMPDIR: folderForAll() } },
}

describe.each(Object.entries(gateways))('building an upload %s', (_as, own) => {
  const shared = shareGateway({ ...setup, ...own })

  it.each(Object.entries(READS))('tells nothing of a file of the gateway by %s', async (way, files) => {
    const name = way.replaceAll(/[^a-z]/g, '-')
    const { all } = await tried(shared(), name, files)
    expect(all).not.toContain(SECRET)
  })
})

it('a gateway that cannot confine its builds says so', async () => {
  const gateway = await startGateway({ ...setup, env: { TMPDIR: folderForAll() } })
  const { status } = await deployBy(clientOf(gateway), 'plain', {
    'index.js': "export default () => new Response('x')\n",
  })
  expect(status).toBe(200)
  await gateway.logged(({ msg }) => msg.startsWith("uploads are built without the kernel's confinement"))
})

describe('building an upload', () => {
  const shared = shareGateway(setup)

  it('takes its own source maps, packages and settings as before', async () => {
    const gateway = shared()
    const { body, status } = await deployBy(clientOf(gateway), 'own', {
      'src/index.tsx': `import words from 'words'
import { more } from '@/more'
const h = (tag: string) => tag
export default () => new Response(words + more + <b />)
//# source${'MappingURL'}=index.map
`,
      'src/index.map': '{ "version": 3, "sources": ["x.ts"], "mappings": "AAAA" }',
      'src/more.ts': "export const more = ' and more '\n",
      'package.json': '{ "main": "src/index.tsx" }',
      'tsconfig.json': '{ "extends": "./base", "compilerOptions": { "paths": { "@/*": ["./src/*"] } } }',
      'base.json': '{ "compilerOptions": { "jsx": "react", "jsxFactory": "h" } }',
      'node_modules/words/package.json': '{ "name": "words", "version": "1.0.0", "main": "m.js" }',
      'node_modules/words/m.js': "module.exports = 'words'\n",
    })
    expect(status, JSON.stringify(body)).toBe(200)
    expect(await (await gateway.fetch('/own')).text()).toBe('words and more b')
  })

  it('finds packages that are installed above the state folder', async () => {
    const gateway = shared()
    gateway.project.write('node_modules/above/package.json', '{ "name": "above", "version": "1.0.0", "main": "m.js" }')
    gateway.project.write('node_modules/above/m.js', "module.exports = 'from above'\n")
    const files = { 'index.js': "import a from 'above'\nexport default () => new Response(a)\n" }
    const { body, status } = await deployBy(clientOf(gateway), 'lower', files)
    expect(status, JSON.stringify(body)).toBe(200)
    expect(await (await gateway.fetch('/lower')).text()).toBe('from above')
  })

  it('does not take a link in node_modules for a package of its own', async () => {
    const gateway = shared()
    gateway.project.write('elsewhere/package.json', '{ "name": "linked", "version": "1.0.0", "main": "m.js" }')
    gateway.project.write('elsewhere/m.js', `module.exports = '${SECRET}'\n`)
    mkdirSync(gateway.project.path('node_modules'), { recursive: true })
    symlinkSync(gateway.project.path('elsewhere'), gateway.project.path('node_modules/linked'))
    const files = { 'index.js': "import a from 'linked'\nexport default () => new Response(a)\n" }
    const { body, status } = await deployBy(clientOf(gateway), 'linking', files)
    expect([status, JSON.stringify(body)]).toEqual([422, expect.not.stringContaining(SECRET)])
  })

  it.each([
    ['the process that builds', 'confined-run'],
    ['the bundler in it', '--service='],
  ])('goes on when %s is killed', async (_what, mark) => {
    const gateway = shared()
    const text = `export default () => new Response('built')\nexport const a = [${'[{a:1}],'.repeat(200_000)}]\n`
    const deployment = deployBy(clientOf(gateway), `lost${mark.length}`, { 'index.js': text })
    let victim: number | undefined
    await eventually(
      () => {
        victim = descendantsOf(gateway.pid).find((pid) => isInside(gateway, pid) && commandLine(pid).includes(mark))
        return victim !== undefined
      },
      () => `a process with ${mark}`,
    )
    process.kill(victim!, 'SIGKILL')
    const { status, body } = await deployment
    expect(status, JSON.stringify(body)).toBe(200)
    expect(await (await gateway.fetch(`/lost${mark.length}`)).text()).toBe('built')
  })

  it('says of an import that leads outside what it is', async () => {
    const { status, body } = await tried(shared(), 'outside', READS['a relative import']!)
    expect([status, body.code, body.detail]).toEqual([
      422,
      'build-failed',
      expect.stringContaining('outside of its folder'),
    ])
  })

  it('does not read devices without an end', async () => {
    const files = (line: string): Files => ({ 'index.js': `export default () => new Response('fine')\n${line}\n` })
    const map = await deployBy(clientOf(shared()), 'zero-map', files('//# sourceMappingURL=/dev/zero'))
    expect([map.status, JSON.stringify(map.body)]).toEqual([200, expect.anything()])
    const config = { ...files(''), 'tsconfig.json': '{ "extends": "/dev/zero" }' }
    const read = await deployBy(clientOf(shared()), 'zero-config', { ...config, 'index.ts': 'export default 1' })
    expect(read.status).toBe(422)
    const imported = await deployBy(clientOf(shared()), 'zero-import', files("import '/dev/zero'"))
    expect(imported.body).toMatchObject({ code: 'build-failed' })
  })

  it('is stopped at its limit of memory, and its neighbours are not disturbed', async () => {
    const gateway = shared()
    const huge = `export default () => new Response('x')\nexport const a = [${'[{a:1,b:[2,3]},`x`+1],'.repeat(1_400_000)}]\n`
    const { status, body } = await deployBy(clientOf(gateway), 'huge', { 'index.js': huge })
    expect([status, body.detail]).toEqual([422, expect.stringContaining('deploy.buildMemory')])
    expect(await (await gateway.fetch('/near')).text()).toBe('near')
  })
})
