/** What `inspect` says of other platforms' configuration files, and that the `function.json` it gives is right. */
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { discover, type FunctionSource } from '../../../gateway/functions/discover.ts'
import { type PlatformReport, platformReport } from '../../../gateway/functions/platform-files.ts'
import { temporaryFolder, writeTree } from './helpers.ts'

type Tree = Readonly<Record<string, string>>

interface Seen extends Partial<PlatformReport> {
  readonly source?: FunctionSource
  readonly problem?: string | undefined
}

async function lookAt(dir: string, format: string | null): Promise<Seen> {
  const { functions, problems } = await discover(dir)
  const [source] = functions
  if (source === undefined) return { problem: problems[0]?.message }
  return { source, ...(await platformReport(source, format)) }
}

const SERVERLESS = `
service: shop
provider: { name: aws, runtime: nodejs22.x, region: eu-central-1 }
functions:
  list: { handler: src/list.run, memorySize: 512, events: [{ http: 'GET /list' }] }
`
const TEMPLATE = `
Transform: AWS::Serverless-2016-10-31
Resources:
  Hello:
    Type: AWS::Serverless::Function
    Properties: { CodeUri: hello/, Handler: app.handler, Runtime: nodejs22.x, Timeout: 3 }
`

interface Case {
  readonly tree: Tree
  /** As a worker would find it. */
  readonly format: string
  readonly file: string
  readonly read: readonly string[]
  readonly ignored: readonly string[]
  readonly functionFile: object
}

const CASES: readonly Case[] = [
  {
    tree: { 'serverless.yml': SERVERLESS, 'src/list.ts': 'export const run = async () => 1' },
    format: 'lambda',
    file: 'serverless.yml',
    read: ['provider.name', 'provider.runtime', 'functions.list.handler', 'functions.list.events'],
    ignored: ['service', 'provider.region', 'functions.list.memorySize'],
    functionFile: { format: 'lambda', handler: 'src/list.run', payload: '1.0' },
  },
  {
    tree: { 'template.yaml': TEMPLATE, 'hello/app.js': 'exports.handler = async () => 1' },
    format: 'lambda',
    file: 'template.yaml',
    read: ['CodeUri', 'Handler', 'Runtime'].map((key) => `Resources.Hello.Properties.${key}`),
    ignored: ['Transform', 'Resources.Hello.Type', 'Resources.Hello.Properties.Timeout'],
    functionFile: { format: 'lambda', handler: 'hello/app.handler' },
  },
  {
    tree: {
      'wrangler.toml': 'name = "x"\nmain = "lib/worker.ts"\nroute = "example.org/*"\n[vars]\nA = "1"\n',
      'lib/worker.ts': 'export default {}',
    },
    format: 'fetch',
    file: 'wrangler.toml',
    read: ['main', 'vars'],
    ignored: ['name', 'route'],
    functionFile: { format: 'fetch', handler: 'lib/worker.default' },
  },
  {
    tree: {
      'host.json': '{"version":"2.0","extensions":{"http":{"routePrefix":"v1","hsts":{}}}}',
      'package.json': '{"dependencies":{"@azure/functions":"4"}}',
      'index.js': '',
    },
    format: 'azure',
    file: 'host.json',
    read: ['extensions.http.routePrefix'],
    ignored: ['version', 'extensions.http.hsts'],
    functionFile: { format: 'azure' },
  },
  {
    tree: { 'vercel.json': '{"crons":[],"rewrites":[]}', 'api/a.js': 'export default (req, res) => res.end()' },
    format: 'vercel',
    file: 'vercel.json',
    read: ['rewrites'],
    ignored: ['crons'],
    functionFile: { format: 'vercel' },
  },
  {
    tree: {
      'netlify.toml': '[build]\ncommand = "x"\n[[redirects]]\nfrom = "/a"\nto = "/b"\n',
      'index.js': 'export default () => new Response()',
    },
    format: 'fetch',
    file: 'netlify.toml',
    read: ['redirects'],
    ignored: ['build.command'],
    functionFile: { format: 'fetch' },
  },
  {
    tree: { 'deno.json': '{ "tasks": {} } // comments are allowed', 'main.ts': '' },
    format: 'fetch',
    file: 'deno.json',
    read: [],
    ignored: ['tasks'],
    functionFile: { format: 'fetch' },
  },
]

test.each(CASES)('of $file it says what was read and what was ignored', async (one) => {
  const dir = await temporaryFolder()
  await writeTree(join(dir, 'fn'), one.tree)
  const { source, platformFiles, functionFile } = await lookAt(dir, one.format)
  expect(platformFiles).toEqual([{ file: one.file, read: one.read, ignored: one.ignored, problem: null, advice: null }])
  expect(functionFile).toEqual(one.functionFile)

  // With that function.json, and without the platform's file, it starts from the same module in the same way.
  await writeFile(join(dir, 'fn/function.json'), JSON.stringify(functionFile))
  if (one.format === 'lambda') await rm(join(dir, 'fn', one.file))
  const stated = await lookAt(dir, one.format)
  expect(stated.problem).toBeUndefined()
  expect(stated.source?.entry.replace(/vercel\.json$|package\.json$/, '')).toBe(
    source?.entry.replace(/vercel\.json$|package\.json$/, ''),
  )
  expect(stated.source?.identity).toMatchObject({ format: one.format })
  expect(stated.source?.identity.platform).toEqual(source?.identity.platform)
})

test('a file that decides nothing because function.json does is ignored as a whole', async () => {
  const dir = await temporaryFolder()
  await writeTree(join(dir, 'fn'), {
    'serverless.yml': SERVERLESS,
    'other.js': 'exports.run = async () => 1',
    'function.json': '{"format":"lambda","handler":"other.run"}',
  })
  const { platformFiles } = await lookAt(dir, 'lambda')
  expect(platformFiles).toMatchObject([{ read: [], ignored: ['service', 'provider', 'functions'] }])
})

test('a file that cannot be read says why', async () => {
  const dir = await temporaryFolder()
  await writeTree(join(dir, 'fn'), { 'netlify.toml': 'a = = b', 'index.js': '' })
  const { platformFiles } = await lookAt(dir, null)
  expect(platformFiles?.[0]).toMatchObject({ read: [], ignored: [], problem: expect.stringMatching(/Invalid/) })
})

test('a Procfile gives the command to write, beside a module and where nothing else can be started', async () => {
  const dir = await temporaryFolder()
  await writeTree(join(dir, 'fn'), {
    Procfile: 'web: node server.js --port $PORT\nworker: node w.js\n',
    'index.js': '',
  })
  const beside = await lookAt(dir, null)
  expect(beside.platformFiles).toMatchObject([{ file: 'Procfile', read: [], ignored: ['web', 'worker'] }])
  expect(beside.platformFiles?.[0]?.advice).toContain('{"command":["sh","-c","exec node server.js --port $PORT"]}')

  await rm(join(dir, 'fn'), { recursive: true })
  await writeTree(join(dir, 'fn'), { Procfile: 'web: bundle exec puma\n', 'config.ru': '' })
  expect((await lookAt(dir, null)).problem).toContain('fn/function.json: {"command":["bundle","exec","puma"]}')
})

test('"is not a file in the folder" is said only of what is none', async () => {
  const mains: readonly [main: string, tree: Tree, said: RegExp | null][] = [
    ['lib', { 'lib/index.js': '' }, null],
    ['./server-app', { 'server-app.js': '' }, null],
    ['handler.go', { 'handler.go': '' }, /names handler\.go, which is not JavaScript or TypeScript/],
    ['lib', { 'lib/other.js': '' }, /names lib, which is a folder without an index/],
    ['gone.js', {}, /names gone\.js, which is not a file in the folder/],
  ]
  for (const [main, tree, said] of mains) {
    const dir = await temporaryFolder()
    await writeTree(join(dir, 'fn'), { ...tree, 'package.json': JSON.stringify({ main }) })
    const { problem } = await lookAt(dir, null)
    if (said === null) expect(problem).toBeUndefined()
    else expect(problem).toMatch(said)
  }
})
