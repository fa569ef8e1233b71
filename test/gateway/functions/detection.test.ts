/** What folders are taken for, and what is said of those that are none. */
import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { build } from '../../../gateway/functions/build.ts'
import { discover, type FunctionSource } from '../../../gateway/functions/discover.ts'
import { ownRoutes, routeConflicts } from '../../../gateway/functions/own-routes.ts'
import { temporaryFolder, writeTree } from './helpers.ts'

type Tree = Readonly<Record<string, string>>

async function lookAt(tree: Tree) {
  const dir = await temporaryFolder()
  await writeTree(dir, Object.fromEntries(Object.entries(tree).map(([name, text]) => [`fn/${name}`, text])))
  if (tree.bootstrap?.startsWith('#!')) await chmod(join(dir, 'fn/bootstrap'), 0o755)
  const { functions, problems } = await discover(dir)
  return { found: functions[0], problem: problems[0]?.message }
}

const TAKEN_FOR: readonly [what: string, tree: Tree, as: object][] = [
  ['a module alone', { 'index.js': '' }, { runtime: 'node', format: null }],
  [
    'a dependency on Google’s framework',
    { 'index.js': '', 'package.json': '{"dependencies":{"@google-cloud/functions-framework":"5"}}' },
    { format: 'gcf' },
  ],
  [
    'a script that starts Google’s framework',
    {
      'function.js': '',
      'package.json':
        '{"dependencies":{"@google-cloud/functions-framework":"5"},"scripts":{"start":"functions-framework --target=onFile --signature-type=cloudevent"}}',
    },
    { format: 'gcf', handler: 'onFile', platform: { signature: 'cloudevent' } },
  ],
  ['Python and nothing else', { 'main.py': '' }, { runtime: 'python', format: null }],
  ['Python beside a module', { 'main.py': '', 'index.js': '' }, { runtime: 'node' }],
  [
    'a stated handler',
    { 'src/app.ts': '', 'function.json': '{"format":"lambda","handler":"src/app.run"}' },
    { format: 'lambda', handler: 'run', runtime: 'node' },
  ],
  [
    'a stated handler in Python',
    { 'app.py': '', 'function.json': '{"handler":"app.run"}' },
    { runtime: 'python', handler: 'run' },
  ],
  [
    'a module as Python names it',
    { 'manage.py': '', 'site/wsgi.py': '', 'function.json': '{"handler":"site.wsgi.application"}' },
    { runtime: 'python', handler: 'application' },
  ],
  [
    'a module as Python’s servers name it',
    { 'manage.py': '', 'site/wsgi.py': '', 'function.json': '{"handler":"site.wsgi:application"}' },
    { runtime: 'python', handler: 'application' },
  ],
  [
    'a handler that a bootstrap is to call',
    { bootstrap: '#!/bin/sh', 'function.sh': '', 'function.json': '{"handler":"function.handler"}' },
    { runtime: 'lambda', handler: 'function.handler', command: ['./bootstrap'] },
  ],
  [
    'a handler beside a bootstrap',
    { bootstrap: '#!/bin/sh', 'app.mjs': '', 'function.json': '{"handler":"app.run"}' },
    { runtime: 'node', handler: 'run' },
  ],
  [
    'the handler of SAM’s hello',
    {
      'hello-world/app.mjs': 'export const lambdaHandler = async (event, context) => {\n}',
      'function.json': '{"handler":"hello-world/app.lambdaHandler"}',
    },
    {
      format: 'lambda',
      handler: 'lambdaHandler',
      why: expect.stringContaining('"handler" names a function of hello-world'),
    },
  ],
  [
    'a handler that serverless.yml names',
    {
      'serverless.yml':
        'service: s\nprovider:\n  name: aws\n  runtime: nodejs22.x\nfunctions:\n  hello:\n    handler: src/a.hello\n    events:\n      - httpApi: "*"\n',
      'src/a.ts': 'export const hello = async () => ({})',
    },
    { format: 'lambda', handler: 'hello', why: 'serverless.yml names the handler src/a.hello' },
  ],
  [
    'a REST API in serverless.yml',
    {
      'serverless.yml':
        'functions:\n  hello:\n    handler: handler.hello\n    events:\n      - http: GET /hello\n  fn:\n    handler: handler.fn\n    events:\n      - http:\n          path: /x\n          method: get\n',
      'handler.js': 'exports.hello = exports.fn = async () => ({})',
    },
    { format: 'lambda', handler: 'fn', platform: { payload: '1.0' } },
  ],
  [
    'a Python handler in serverless.yml',
    {
      'serverless.yml': 'provider: { name: aws, runtime: python3.12 }\nfunctions: { a: { handler: handler.hello } }',
      'handler.py': '',
      'package.json': '{}',
    },
    { runtime: 'python', format: 'lambda', handler: 'hello' },
  ],
  [
    'serverless.yml of another cloud',
    { 'serverless.yml': 'provider: { name: google }\nfunctions: { a: { handler: http } }', 'index.js': '' },
    { format: null, why: 'it has a JavaScript or TypeScript module to start from' },
  ],
  [
    'SAM’s template',
    {
      'template.yaml':
        'Transform: AWS::Serverless-2016-10-31\nGlobals:\n  Function:\n    Timeout: 3\nResources:\n  Hello:\n    Type: AWS::Serverless::Function\n    Properties:\n      CodeUri: hello-world/\n      Handler: app.lambdaHandler\n      Runtime: nodejs22.x\n      Policies: !Sub "x-y"\n      Events:\n        Hello:\n          Type: Api\n          Properties: { Path: /hello, Method: get }\n',
      'hello-world/app.mjs': '',
    },
    { format: 'lambda', handler: 'lambdaHandler', platform: { payload: '1.0' } },
  ],
  [
    'a SAM function with a URL',
    {
      'template.yml':
        'Resources:\n  H:\n    Type: AWS::Serverless::Function\n    Properties: { CodeUri: ./src, Handler: app.handler, Runtime: python3.13, FunctionUrlConfig: { AuthType: NONE } }\n',
      'src/app.py': '',
    },
    { runtime: 'python', format: 'lambda', handler: 'handler' },
  ],
  [
    'a Lambda module by SAM’s name for it',
    { 'src/app.mjs': 'export const lambdaHandler = async (event) => ({})' },
    { format: 'lambda', handler: null, why: 'its only export that could answer is a Lambda handler' },
  ],
  ['a Lambda module lambda.js', { 'lambda.js': 'exports.handler = async () => ({})' }, { format: 'lambda' }],
  [
    'a Lambda module in an api folder',
    { 'api/handler.js': 'exports.handler = async (event) => ({})', 'api/lib.js': 'exports.three = 3' },
    { format: 'lambda', why: expect.stringContaining('api/handler.js exports a Lambda handler') },
  ],
  [
    'such a module beside a function of Vercel’s',
    { 'api/handler.js': 'exports.handler = async (event) => ({})', 'api/a.js': 'export default (req, res) => {}' },
    { format: 'vercel' },
  ],
  [
    'a payload that function.json asks for',
    { 'index.mjs': 'export const handler = async () => ({})', 'function.json': '{"payload":"1.0"}' },
    { format: 'lambda', platform: { payload: '1.0' } },
  ],
  [
    'a handler that is no function',
    { 'src/a.ts': 'export const app: App = express()', 'function.json': '{"handler":"src/a.app"}' },
    { format: null, handler: 'app' },
  ],
  [
    'a handler of node:http’s kind',
    { 'a.js': 'exports.run = (req, res) => res.end()', 'function.json': '{"handler":"a.run"}' },
    { format: null, handler: 'run' },
  ],
  [
    'a command',
    { 'server.py': '', 'function.json': '{"command":["python3","server.py"]}' },
    { runtime: 'http', command: ['python3', 'server.py'] },
  ],
  [
    'Netlify’s config',
    { 'index.ts': 'export default () => new Response()\nexport const config = { path: "/users/:id" }' },
    { format: 'netlify' },
  ],
  [
    'types of Netlify’s package',
    {
      'index.mts':
        "import type { Context } from '@netlify/functions'\nexport default async (r: Request, c: Context) => {}",
    },
    { format: 'netlify', why: 'it has a default export and imports from @netlify/functions' },
  ],
]
test.each(TAKEN_FOR)('%s', async (_what, tree, as) => {
  const { found, problem } = await lookAt(tree)
  expect(problem).toBeUndefined()
  expect(found!.identity).toMatchObject(as)
})

test('a deployment file that names several Lambda functions is answered with what to write', async () => {
  const yml = 'functions: { a: { handler: src/a.main }, b: { handler: src/b.main } }'
  const { problem } = await lookAt({ 'serverless.yml': yml, 'src/a.js': '', 'src/b.js': '' })
  expect(problem).toContain('serverless.yml names 2 functions, and a folder here is one')
  expect(problem).toContain('a: { "format": "lambda", "handler": "src/a.main" }')
})

test('a deployment file that cannot be read is told with the reason, and the folder is looked at without it', async () => {
  const broken = { 'serverless.yml': 'functions: { a: [\n' }
  expect((await lookAt(broken)).problem).toMatch(/serverless\.yml cannot be read: .+/)
  const { found } = await lookAt({ ...broken, 'index.js': 'exports.handler = async () => ({})' })
  expect(found!.identity.format).toBe('lambda')
  expect(found!.notes).toEqual([expect.stringContaining('serverless.yml cannot be read')])
})

test('a handler that a deployment file names and that is not there is told with what to do', async () => {
  const { problem } = await lookAt({ 'serverless.yml': 'functions: { a: { handler: src/a.main } }', 'index.js': '' })
  expect(problem).toContain('fn/serverless.yml names the handler "src/a.main", and there is no src/a with one of .ts')
})

const STARTS_FROM: readonly [what: string, tree: Tree, entry: string, why: RegExp][] = [
  ['Deno’s main.ts', { 'main.ts': '' }, 'main.ts', /module to start from$/],
  ['Google’s function.js', { 'function.js': '' }, 'function.js', /module to start from$/],
  ['app.js', { 'app.js': '' }, 'app.js', /module to start from$/],
  ['server.js', { 'server.js': '', 'package.json': '{"scripts":{"start":"node server"}}' }, 'server.js', /./],
  ['an index before these', { 'server.js': '', 'src/index.ts': '' }, 'src/index.ts', /./],
  ['the module of an app in Python', { 'app.py': '', 'app.js': '' }, 'app.py', /Python/],
  [
    'a stated module of Node beside it',
    { 'app.py': '', 'app.js': '', 'function.json': '{"runtime":"node"}' },
    'app.js',
    /./,
  ],
  [
    'the main of wrangler.jsonc',
    {
      'wrangler.jsonc': '// a Worker\n{ "main": "lib/w.ts", /* . */ "vars": { "a": 1 }, }',
      'lib/w.ts': '',
      'index.js': '',
    },
    'lib/w.ts',
    /wrangler\.jsonc names as its main/,
  ],
  [
    'the main of wrangler.toml',
    { 'wrangler.toml': 'name = "w"\nmain = "lib/w.ts" # .\n[vars]\nmain = "x"', 'lib/w.ts': '' },
    'lib/w.ts',
    /wrangler\.toml names as its main/,
  ],
  [
    'what there is, where that was not built',
    { 'wrangler.json': '{"main":"dist/w.js"}', 'index.ts': '' },
    'index.ts',
    /./,
  ],
]
test.each(STARTS_FROM)('starts from %s', async (_what, tree, entry, why) => {
  const { found, problem } = await lookAt(tree)
  expect(problem).toBeUndefined()
  expect(found!.entry).toMatch(new RegExp(`/fn/${entry}$`))
  expect(found!.identity.why).toMatch(why)
})

test.each([
  ['{ "compilerOptions": { "emitDecoratorMetadata": true } }', 1],
  ['{ "compilerOptions": {\n// "emitDecoratorMetadata": true\n} }', 0],
  ['{ "compilerOptions": { "emitDecoratorMetadata": false } }', 0],
  ['{', 0],
])('decorators’ metadata that a tsconfig asks for is named: %s', async (tsconfig, count) => {
  const { found } = await lookAt({ 'index.ts': 'export default { fetch() {} }', 'tsconfig.json': tsconfig })
  expect(found!.notes).toHaveLength(count)
  if (count > 0) expect(found!.notes[0]).toContain('fn/tsconfig.json sets emitDecoratorMetadata')
})

test('a site whose functions lie further down is said to be one', async () => {
  const functions = { 'netlify/functions/hello.mts': 'export default () => new Response()' }
  expect((await lookAt({ ...functions, 'index.html': '' })).problem).toMatch(
    /fn\/ is a site of Netlify's, whose functions are in fn\/netlify\/functions: copy .* --functions/,
  )
  const { found } = await lookAt({ ...functions, 'src/index.ts': 'export default { fetch() {} }' })
  expect(found!.notes).toEqual([expect.stringContaining('the functions in fn/netlify/functions are not looked for')])
})

test('a name that ends in -background is said to decide', async () => {
  const dir = await temporaryFolder()
  await writeTree(dir, {
    'a-background.mjs': 'export default async () => {}',
    'b-background.mjs': 'export default { fetch() {} }',
    'c-background.mjs': 'export const handler = async () => ({})',
  })
  const { functions } = await discover(dir)
  expect(functions.map(({ notes }) => notes)).toEqual([[expect.stringContaining('answered with 202 at once')], [], []])
})

const AZURE = { 'package.json': '{"dependencies":{"@azure/functions":"4"}}' }
const registering = (call: string) => ({ ...AZURE, 'index.ts': `import { app } from '@azure/functions'\n${call}` })

test.each(['{ "extensions": }', '[', '{ "a": 1 } }'])(
  'a broken host.json is told by the gateway, before a worker is started: %s',
  async (host) => {
    const { problem } = await lookAt({ ...registering("app.http('x', { handler })"), 'host.json': host })
    expect(problem).toMatch(
      /^fn\/host\.json cannot be read: .+ Correct it, or remove it to serve the app under \/api\.$/,
    )
  },
)

test('a host.json with comments, as Azure reads it, gives its prefix to routes and worker', async () => {
  const host = '\uFEFF{ // mine\n "extensions": { "http": { "routePrefix": "/v2/" /* . */, }, } }'
  const { found } = await lookAt({ ...registering("app.http('x', { handler })"), 'host.json': host })
  expect(found).toMatchObject({ routes: ['/v2/x'], identity: { platform: { routePrefix: 'v2' } } })
})

const rulesOf = (tree: Tree) => lookAt(tree).then(({ found }) => found)

test('a stack.yml of OpenFaaS names the folder, and tells what to do where it cannot', async () => {
  const stack = (functions: string) => ({ 'stack.yml': `functions: { ${functions} }` })
  const node = await lookAt({ ...stack('a: { lang: node22, handler: ./a }'), 'a/handler.js': '' })
  expect(node.found!.identity).toMatchObject({ format: 'openfaas', runtime: 'node' })
  expect(node.found!.identity.why).toBe('stack.yml names its folder a for the template node22')
  const named = stack('a: { lang: node22, handler: ./a }, fn: { lang: python3-http, handler: ./b }')
  expect((await lookAt({ ...named, 'b/handler.py': '' })).found!.identity).toMatchObject({ runtime: 'python' })
  const several = stack('a: { lang: node22, handler: ./a }, b: { lang: node22, handler: ./b }')
  expect((await lookAt(several)).problem).toContain('copy each of their folders (fn/a, fn/b)')
  expect((await lookAt(stack('a: { lang: golang-http, handler: ./a }'))).problem).toContain('golang-http is not served')
})

test('rewrites of vercel.json that lead to functions are rules and routes, and the others are told', async () => {
  const found = await rulesOf({
    'api/index.js': '',
    'api/user.ts': '',
    'vercel.json': JSON.stringify({
      rewrites: [
        { source: '/u/:id(\\d+)/:rest*', destination: '/api/user' },
        { source: '/page', destination: '/index.html' },
        { source: '/beta', destination: '/api', has: [{ type: 'header', key: 'x' }] },
      ],
      routes: [{ src: '/v1/(.*)', dest: '/api/index.js?path=$1' }, { handle: 'filesystem' }],
      redirects: [{ source: '/old', destination: '/new' }],
    }),
  })
  expect(found!.routes.toSorted()).toEqual(['/api', '/api/user', '/old', '/u/*', '/v1/*'])
  const rules = found!.identity.platform!.rules!
  expect(rules.map(({ to, status }) => [to, status])).toEqual([
    ['/new', 308],
    ['/api/user', 200],
    ['/api/index.js?path=$1', 200],
  ])
  const [, user, v1] = rules.map(({ pattern }) => new RegExp(pattern))
  expect(user!.exec('/u/7')?.slice(1)).toEqual(['7', undefined])
  expect(user!.exec('/u/7/a/b/')?.slice(1)).toEqual(['7', 'a/b'])
  expect(user!.test('/u/x')).toBe(false)
  expect(v1!.exec('/v1/a/b')?.slice(1)).toEqual(['a/b'])
  expect(found!.notes).toEqual([
    expect.stringContaining('the rule for /page leads to /index.html, which is no function'),
    expect.stringContaining('the rule for /beta has conditions'),
  ])
})

test('a vercel.json that cannot be read is told, and the folder is served without it', async () => {
  const found = await rulesOf({ 'api/index.js': '', 'vercel.json': '{' })
  expect(found!.identity.format).toBe('vercel')
  expect(found!.notes).toEqual([expect.stringMatching(/^vercel\.json cannot be read: ./)])
})

test('Python in an api folder is one function of its own language, and told where it lies beside another', async () => {
  const python = { 'api/a.py': 'class handler(B):', 'api/b.py': 'app = Flask()', 'api/lib.py': 'x = 1' }
  const alone = await rulesOf(python)
  expect(alone!.identity).toMatchObject({
    runtime: 'python',
    format: 'vercel',
    platform: { files: ['api/a.py', 'api/b.py'] },
  })
  expect(alone!.routes).toEqual(['/api/a', '/api/b'])
  const both = await rulesOf({ ...python, 'api/c.js': '' })
  expect(both!.identity.runtime).toBe('node')
  expect(both!.notes).toEqual([expect.stringContaining('api/a.py, api/b.py: one function runs in one language')])
})

test('redirects of a Netlify site lead to its functions, from its root or from beside them', async () => {
  const dir = await temporaryFolder()
  const functions = join(dir, 'netlify/functions')
  await writeTree(dir, {
    'netlify/functions/user.mjs': 'export default () => new Response()',
    'netlify/functions/other.mjs': 'export default () => new Response()',
    'dist/_redirects': '/u/:id /.netlify/functions/user?id=:id 200!\n/de/* /.netlify/functions/user 200 Country=de\n',
    'netlify.toml':
      '[build]\npublish = "dist"\n[[redirects]]\nfrom = "/o/*"\nto = "/.netlify/functions/other/:splat"\n[[redirects]]\nfrom = "/x"\nto = "/y"\n',
  })
  const found = (await discover(functions)).functions
  expect(found.map(({ name, routes }) => [name, routes])).toEqual([
    ['other', ['/o/*']],
    ['user', ['/u/:id']],
  ])
  expect(found[0]!.identity.platform!.rules).toEqual([
    { pattern: '^/o(?:/(.*))?/?$', names: ['splat'], to: '/.netlify/functions/other/:splat', status: 301 },
  ])
})

const V3 = '{ "bindings": [{ "type": "httpTrigger", "direction": "in", "name": "req" }] }'
test.each([
  [
    'an app',
    { 'host.json': '{}', 'Hello/function.json': V3, 'Hello/index.js': 'module.exports = async (context, req) => {}' },
    'Hello',
  ],
  ['a function', { 'function.json': V3, 'index.js': 'module.exports = async function (context, req) {}' }, 'fn'],
])('%s of Azure’s v3 model is told how to be written for v4', async (_what, tree, name) => {
  const { problem } = await lookAt(tree)
  expect(problem).toContain("version 3 of Azure's Node model")
  expect(problem).toContain(`app.http('${name}', { methods: ['GET', 'POST']`)
})

const ROUTES: readonly [what: string, tree: Tree, routes: readonly string[]][] = [
  ['a name', registering("app.http('hello', { handler: async () => ({}) })"), ['/api/hello']],
  ['a handler alone', registering("app.get('hello', async () => ({}))"), ['/api/hello']],
  [
    'parameters',
    registering("app.http('x', { handler, route: 'a/{b:regex(^x{2}$)}/{c:int?}' })"),
    ['/api/a/:b', '/api/a/:b/:c'],
  ],
  ['the rest', registering("app.http('x', { route: 'a/{*rest}', handler })"), ['/api/a/*']],
  ['a part of a segment', registering("app.http('x', { route: 'a/v{n}/b', handler })"), ['/api/a/*']],
  [
    'a prefix of host.json',
    {
      ...registering("app.http('x', { handler })"),
      'host.json': '{"extensions":{"http":{"routePrefix":"v1/here"}}}',
    },
    ['/v1/here/x'],
  ],
  [
    'modules behind others, whatever they call it',
    {
      ...registering("import './more/b.js'"),
      'more/b.ts': "import { app as it } from '@azure/functions'\nit.post('b', { handler })",
    },
    ['/api/b'],
  ],
  [
    'an api folder',
    {
      'api/index.ts': '',
      'api/a/[id].ts': '',
      'api/b/[...rest].js': '',
      'api/c/[[...all]].mjs': '',
      'api/_d.ts': '',
      'api/e.test.ts': '',
      'api/f.d.ts': '',
    },
    ['/api/a/:id', '/api/b/*', '/api/c/*', '/api'],
  ],
]
test.each(ROUTES)('the routes are read off %s', async (_what, tree, routes) => {
  const { found, problem } = await lookAt(tree)
  expect(problem).toBeUndefined()
  expect(found!.routes).toEqual(routes)
  expect(found!.notes).toEqual([])
})

test.each([
  ['export const handler = async () => ({})', 'lambda'],
  ['/** Not `export default`. */\nexport const handler = async () => ({})', 'lambda'],
  ['const handler = () => 1\nexport { handler }', 'lambda'],
  ['exports.handler=async()=>1', 'lambda'],
  ['/*\nexport const handler = 1\n*/\nexport const other = 2', null],
  ['// export const handler = 1\nexport const other = 2', null],
  ['export const handler = 1\nexport default { fetch() {} }', null],
  ['export const handler = 1\nexport  function GET() {}', null],
])('Lambda alone, by its text: %s', async (text, format) => {
  expect((await lookAt({ 'index.mjs': text })).found!.identity.format).toBe(format)
})

test('an Azure app is known by what it imports and calls, without a package.json and in a single file', async () => {
  const text = "import { app } from '@azure/functions'\napp.http('hello', { handler })"
  const inFolder = (await lookAt({ 'index.ts': text })).found!
  expect([inFolder.identity.format, inFolder.routes]).toEqual(['azure', ['/api/hello']])
  const pattern = { 'package.json': '{"main":"dist/src/*.js"}', 'src/a.ts': text }
  expect((await lookAt(pattern)).found).toMatchObject({ identity: { format: 'azure' }, routes: ['/api/hello'] })
  const dir = await temporaryFolder()
  await writeTree(dir, {
    'alone.js': "const { app } = require('@azure/functions')\napp.get('a/:b', async () => ({}))",
    'types.ts': `import type { HttpRequest } from '@azure/functions'\napp.get('a', () => {})\nexport default app`,
    'data.ts': `import { output } from '@azure/functions'\nexport default { fetch() {} }`,
  })
  const { functions } = await discover(dir)
  expect(functions.map(({ name, identity }) => [name, identity.format])).toEqual([
    ['alone', 'azure'],
    ['data', null],
    ['types', null],
  ])
})

test("an Azure app's functions that nothing calls are said", async () => {
  const { found } = await lookAt(registering("app.timer('tick', { schedule, handler })\napp.http('a', { handler })"))
  expect(found!.routes).toEqual(['/api/a'])
  expect(found!.notes).toEqual([expect.stringContaining('"tick" (timer) is not called here')])
})

const COMPUTED = [
  'app.http(name, { handler })',
  "app.http('x', { route: prefix + 'x', handler })",
  "app.http('x', options)",
]
test.each(COMPUTED)('what is computed is said, with the line to write instead: %s', async (call) => {
  const { found } = await lookAt(registering(call))
  expect(found!.routes).toEqual([])
  expect(found!.notes).toEqual([expect.stringMatching(/is computed.*"routes": \["\/api\/(x|hello)"\]/)])
})

test('an api folder beside a module is a helper of that, unless vercel.json is there', async () => {
  const tree = { 'index.ts': '', 'api/a.ts': '' }
  expect((await lookAt(tree)).found!.identity.format).toBeNull()
  expect((await lookAt({ ...tree, 'vercel.json': '{}' })).found!.identity).toMatchObject({ format: 'vercel' })
  expect((await lookAt({ 'api/a.ts': '', 'function.json': '{"format":"vercel"}' })).found!.routes).toEqual(['/api/a'])
})

test.each([
  [
    'export default {\n async scheduled(event) {},\n fetch() {}, email: () => {}\n}',
    'its scheduled, email handlers are',
  ],
  ['export default { fetch() {}, async scheduled() { const email = { queue: 1 } } }', 'its scheduled handler is'],
  ['const worker = { fetch() {}, queue: () => {} }; export { worker as default }', 'its queue handler is'],
  ['const queue = 1\nconst worker = {\n fetch() {},\n queue\n}\nexport default worker', 'its queue handler is'],
])('handlers that nobody calls are said: %s', async (text, said) => {
  const { found } = await lookAt({ 'index.ts': text })
  expect(found!.notes).toEqual([expect.stringContaining(`${said} not called here`)])
  expect(
    (await lookAt({ 'index.ts': 'const user = { email: 1 }\nexport default { fetch() {} }' })).found!.notes,
  ).toEqual([])
})

test('a path of a function whose first part may be anything yields to the names of functions', () => {
  const source = { name: 'site', routes: ['/*', '/:page', '/', '/users/:id'] } as unknown as FunctionSource
  expect(ownRoutes(source).map(({ yieldsToNames = false }) => yieldsToNames)).toEqual([true, true, false, false])
})

test('of two folders that ask for the same path the first has it', () => {
  const rules = [
    { path: '/a/:id', host: null, function: 'one', stripPrefix: false },
    { path: '/a/:name', host: null, function: 'two', stripPrefix: false },
    { path: '/a/:id', host: null, function: 'one', stripPrefix: false },
    { path: '/a/*', host: null, function: 'three', stripPrefix: false },
  ]
  expect(routeConflicts(rules)).toEqual([{ path: '/a/:name', taken: 'one', refused: 'two' }])
})

test('routes come from function.json and from Netlify’s config', async () => {
  const code = 'export default () => new Response()\nexport const config = { path: ["/a", "/b/:id"] }'
  const { found } = await lookAt({ 'index.ts': code, 'function.json': '{"routes":["/c"]}' })
  expect(found!.routes).toEqual(['/c', '/a', '/b/:id'])
})

const REFUSED: readonly [what: string, tree: Tree, said: RegExp][] = [
  ['an unknown key', { 'index.js': '', 'function.json': '{"fromat":"fetch"}' }, /did you mean "format"/],
  ['no JSON', { 'index.js': '', 'function.json': '{' }, /function\.json cannot be used/],
  ['a handler without its module', { 'function.json': '{"handler":"app.run"}' }, /there is no app with one of/],
  ['a program without a command', { 'function.json': '{"runtime":"http"}' }, /add the program to start, such as/],
  [
    'a command that nothing starts',
    { 'index.js': '', 'function.json': '{"runtime":"bun","command":["x"]}' },
    /leave it out/,
  ],
  ['a bootstrap that cannot be executed', { bootstrap: '' }, /chmod \+x/],
]
test.each(REFUSED)('%s', async (_what, tree, said) => {
  const { found, problem } = await lookAt(tree)
  expect(found).toBeUndefined()
  expect(problem).toMatch(said)
})

test('two folders with the same files and other packages are two bundles', async () => {
  const dir = await temporaryFolder()
  const files = { 'server.js': '', 'function.json': '{"command":["node","server.js"]}' }
  for (const name of ['one', 'two'])
    await writeTree(dir, {
      ...Object.fromEntries(Object.entries(files).map(([file, text]) => [`${name}/${file}`, text])),
      [`${name}/node_modules/dependency/index.js`]: name,
    })
  const [one, two] = await Promise.all((await discover(dir)).functions.map((source) => build(source)))
  expect(one!.id).not.toBe(two!.id)
})
