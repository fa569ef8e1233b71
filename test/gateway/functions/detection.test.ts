/** What folders are taken for, and what is said of those that are none. */
import { expect, test } from 'vitest'
import { build } from '../../../gateway/functions/build.ts'
import { discover } from '../../../gateway/functions/discover.ts'
import { temporaryFolder, writeTree } from './helpers.ts'

type Tree = Readonly<Record<string, string>>

async function lookAt(tree: Tree) {
  const dir = await temporaryFolder()
  await writeTree(dir, Object.fromEntries(Object.entries(tree).map(([name, text]) => [`fn/${name}`, text])))
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
    'a command',
    { 'server.py': '', 'function.json': '{"command":["python3","server.py"]}' },
    { runtime: 'http', command: ['python3', 'server.py'] },
  ],
  [
    'Netlify’s config',
    { 'index.ts': 'export default () => new Response()\nexport const config = { path: "/users/:id" }' },
    { format: 'netlify' },
  ],
]
test.each(TAKEN_FOR)('%s', async (_what, tree, as) => {
  const { found, problem } = await lookAt(tree)
  expect(problem).toBeUndefined()
  expect(found!.identity).toMatchObject(as)
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
  const [one, two] = await Promise.all((await discover(dir)).functions.map(build))
  expect(one!.id).not.toBe(two!.id)
})
