/** Folders written for Deno and Supabase: import maps, specifiers of Deno, and functions that share a folder. */
import { afterAll, expect, test } from 'vitest'
import { stopBuilding } from '../../../../gateway/functions/build.ts'
import { discover } from '../../../../gateway/functions/discover.ts'
import { temporaryFolder, writeTree } from '../../../gateway/functions/helpers.ts'
import { builtFunction } from './built.ts'

afterAll(stopBuilding)

const PACKAGE = (name: string, text: string) => ({
  [`${name}/package.json`]: '{ "type": "module", "exports": { ".": "./index.js", "./sub": "./sub.js" } }',
  [`${name}/index.js`]: text,
  [`${name}/sub.js`]: "export default 'sub'",
})

test.each(['deno.json', 'deno.jsonc'])('the imports of %s lead to files and packages', async (file) => {
  const called = await builtFunction('w', {
    [`w/${file}`]: `{ // a map
      "imports": {
        "@/": "./src/",
        "config": "./src/config.ts",
        "web": "npm:hono@^4",
        "@std/async": "jsr:@std/async@1",
        "tools/": "npm:/@scope/tools@2/",
      },
    }`,
    'w/main.ts': `import { greeting } from '@/greeting.ts'
import config from 'config'
import { Hono } from 'web'
import { cors } from 'web/cors'
import wait from '@std/async'
import sub from 'tools/sub'
const app = new Hono()
app.use(cors())
app.get('/', (c) => c.json([greeting, config, wait, sub]))
Deno.serve(app.fetch)`,
    'w/src/greeting.ts': "export const greeting: string = 'hi'",
    'w/src/config.ts': "export default 'config'",
    ...PACKAGE('w/node_modules/@std/async', "export default 'waited'"),
    ...PACKAGE('w/node_modules/@scope/tools', ''),
  })
  const { body, fields } = await called.call({ headers: { origin: 'http://x' } })
  expect(JSON.parse(body.toString())).toEqual(['hi', 'config', 'waited', 'sub'])
  expect(fields).toContainEqual(['access-control-allow-origin', '*'])
})

test('an import map of its own file is read where deno.json names it', async () => {
  const called = await builtFunction('w', {
    'w/deno.json': '{ "importMap": "maps/all.json" }',
    'w/maps/all.json': '{ "imports": { "lib": "../lib.ts" } }',
    'w/lib.ts': "export default 'lib'",
    'w/mod.ts': "import lib from 'lib'\nDeno.serve(() => new Response(lib))",
  })
  expect(await called.text()).toBe('lib')
})

test('packages by jsr:, npm: and the address of a site that has npm’s are those that are installed', async () => {
  const called = await builtFunction('w', {
    'w/index.ts': `import 'jsr:@supabase/functions-js/edge-runtime.d.ts'
import wait from 'jsr:@std/async@^1.0.0'
import sub from 'npm:/@scope/tools@2/sub'
import { Hono } from 'https://esm.sh/hono@4.13.0?target=deno'
import { HTTPException } from 'https://cdn.jsdelivr.net/npm/hono@4/http-exception/+esm'
Deno.serve(() => Response.json([wait, sub, typeof Hono, typeof HTTPException]))`,
    ...PACKAGE('w/node_modules/@std/async', "export default 'waited'"),
    ...PACKAGE('w/node_modules/@scope/tools', ''),
  })
  expect(JSON.parse(await called.text())).toEqual(['waited', 'sub', 'function', 'function'])
})

test('addresses that deno has vendored are files of the folder, and serve of its old library serves', async () => {
  const called = await builtFunction('w', {
    'w/index.ts': `import { serve } from 'https://deno.land/std@0.168.0/http/server.ts'
import { shout } from 'https://example.com/lib@1/mod.ts'
serve((request) => new Response(shout(new URL(request.url).pathname)), { port: 8000 })`,
    'w/vendor/example.com/lib@1/mod.ts': "export { shout } from './deep.ts'",
    'w/vendor/example.com/lib@1/deep.ts':
      "import { mark } from 'https://example.com/mark.ts'\nexport const shout = (t: string) => t + mark",
    'w/vendor/example.com/mark.ts': "export const mark = '!'",
  })
  expect(await called.text({ url: '/a' })).toBe('/a!')
})

test('what is neither installed nor vendored is refused with what to run', async () => {
  for (const [specifier, advice] of [
    ['jsr:@std/nowhere@1', 'npx jsr add @std/nowhere@1'],
    ['npm:nowhere-at-all@1', 'npm install nowhere-at-all@1'],
    ['https://esm.sh/nowhere-at-all@1', 'npm install nowhere-at-all'],
    ['https://example.com/x.ts', '"vendor": true'],
  ])
    await expect(builtFunction('w', { 'w/index.ts': `import x from '${specifier}'\nDeno.serve(x)` })).rejects.toThrow(
      advice,
    )
})

test('Supabase’s functions share a folder and a map, and neither is a function', async () => {
  const tree = {
    'import_map.json': '{ "imports": { "shared/": "./_shared/" } }',
    '_shared/cors.ts': "export const corsHeaders = { 'Access-Control-Allow-Origin': '*' }",
    'hello/index.ts': `import "jsr:@supabase/functions-js/edge-runtime.d.ts"
import { corsHeaders } from '../_shared/cors.ts'
import { corsHeaders as again } from 'shared/cors.ts'
Deno.serve(async (req) => {
  if (req.method === 'OPTIONS') return new Response('ok', { headers: corsHeaders })
  const { name } = await req.json()
  return new Response(JSON.stringify({ message: \`Hello \${name}!\`, same: again === corsHeaders }), { headers: { ...corsHeaders, 'Content-Type': 'application/json' } })
})`,
  }
  const called = await builtFunction('hello', tree)
  const { body, fields } = await called.call({ method: 'POST', body: '{"name":"Ada"}' })
  expect(JSON.parse(body.toString())).toEqual({ message: 'Hello Ada!', same: true })
  expect(fields).toContainEqual(['access-control-allow-origin', '*'])
  const dir = await temporaryFolder()
  await writeTree(dir, tree)
  expect((await discover(dir)).functions.map(({ name }) => name)).toEqual(['hello'])
})

test('a project of Supabase that is copied whole is told how to be served', async () => {
  const dir = await temporaryFolder()
  await writeTree(dir, { 'app/supabase/functions/hello/index.ts': '', 'app/supabase/config.toml': '' })
  expect((await discover(dir)).problems[0]!.message).toContain('serve that folder with --functions')
})
