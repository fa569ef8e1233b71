import { afterAll, describe, expect, it } from 'vitest'
import { stopBuilding } from '../../../gateway/functions/build.ts'
import { readLiteral, UNREADABLE } from '../../../gateway/functions/literal.ts'
import { readNetlifyConfig, routesFor } from '../../../gateway/functions/netlify-config.ts'

afterAll(stopBuilding)

const read = (text: string, file = 'f.ts') => readNetlifyConfig(file, text)

describe('the config of a Netlify function', () => {
  it('is read as the documentation writes it', async () => {
    const text = `import type { Config, Context } from "@netlify/functions";
      export default async (req: Request, context: Context) => new Response("} export const config = { path: 1 }");
      // path: "/not-this"
      export const config: Config = {
        path: ["/travel-guide/:city/:country", '/old'], // both
        excludedPath: \`/travel-guide/x\`, method: ["GET", "post"] as const, preferStatic: true,
        rateLimit: { windowLimit: 60 * 2, windowSize: 60, aggregateBy: ["ip", "domain"] },
      } satisfies Config;`
    expect(await read(text)).toEqual({
      paths: ['/travel-guide/:city/:country', '/old'],
      excludedPaths: ['/travel-guide/x'],
      methods: ['GET', 'POST'],
      routes: ['/travel-guide/:city/:country', '/old'],
      schedule: null,
      isBackground: false,
      preferStatic: true,
    })
  })

  it('may be exported by a list, under another name, and in the default export', async () => {
    expect(await read('const c = { path: "/a" }\nexport { c as config }\nexport default () => {}')).toMatchObject({
      paths: ['/a'],
    })
    const text = `const seen = /[{"]/
      export default {
        fetch(req) { return new Response(\`\${seen.test("}") ? "{" : '"'}\`.replace(/[}'"]/g, '')) },
        async *more() {}, ...others, [computed]: 1, short,
        config: { path: "/b", background: true },
      }`
    expect(await read(text, 'f.mjs')).toMatchObject({ paths: ['/b'], isBackground: true })
    const schedule = 'export default async () => {}\nexport const config = { schedule: "@hourly" }'
    expect(await read(schedule, 'f.js')).toMatchObject({ schedule: '@hourly', paths: [], routes: [] })
  })

  it('is none where the module has none, or one of another platform', async () => {
    expect(await read('export default () => {}')).toBeNull()
    expect(await read('const config = { path: "/a" }\nexport default () => config')).toBeNull()
    expect(await read('export const config = { api: { bodyParser: false } }; const path = 1')).toBeNull()
    expect(await read('import { config } from "./path"\nexport default () => config.path')).toBeNull()
  })

  it('that is computed names the line, and what to write instead', async () => {
    const text =
      'const base = "/api"\nexport default () => {}\nexport const config = {\n  method: "GET",\n  path: base + "/x",\n}'
    await expect(read(text)).rejects.toMatchObject({
      line: 5,
      message: expect.stringMatching(/^`path` of `config` is computed.*function\.json: "routes": \["\/users\/:id"\]$/),
    })
    await expect(read('export const config = { path: BASE + "/x" }')).rejects.toMatchObject({ line: 1 })
    await expect(read('export const config = { path: ["/x", BASE] }')).rejects.toThrow('`path` of `config`')
    const elsewhere = 'import type { Config } from "@netlify/functions"\nexport { config } from "./path"'
    await expect(read(elsewhere)).rejects.toThrow('`config` is computed, or comes from elsewhere')
    await expect(read('export const config = { path: "users" }')).rejects.toThrow('"users", which is no path')
  })
})

describe('routes for a path of config', () => {
  it('are it, or lead to all that it means', () => {
    expect(routesFor('/users/:id')).toEqual(['/users/:id'])
    expect(routesFor('/files/*')).toEqual(['/files/*'])
    expect(routesFor('/')).toEqual(['/'])
    expect(routesFor('/a/')).toEqual(['/a'])
    expect(routesFor('/product/:sku/:size?')).toEqual(['/product/:sku', '/product/:sku/:size'])
    expect(routesFor('/:all?')).toEqual(['/', '/:all'])
    expect(routesFor('/img/*.png')).toEqual(['/img/*'])
    expect(routesFor('/n/:id(\\d+)/x')).toEqual(['/n/*'])
    expect(routesFor('/*.js')).toEqual(['/*'])
  })
})

describe('a literal', () => {
  it('is read as it would be run', () => {
    expect(readLiteral('"a\\n\\"\\u00e9\\x41\\u{1F600}"', 0)).toBe('a\n"éA😀')
    expect(readLiteral("'it\\'s'", 0)).toBe("it's")
    expect(readLiteral('[`plain $5`, -1.5e3, .5, [true, null], {}] // all', 0)).toEqual([
      'plain $5',
      -1500,
      0.5,
      [true, null],
      {},
    ])
    expect(readLiteral('{ a: 1, "b c": [2], d: { e: undefined } };', 0)).toEqual({ a: 1, 'b c': [2], d: {} })
  })

  it('is none when it has to be run', () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is what is read
    for (const text of ['f()', '`${a}`', '1 + 2', 'name', '[a]', '(() => 1)()', 'new Date()', '"a" + b', '/x/'])
      expect(readLiteral(text, 0)).toBe(UNREADABLE)
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is what is read
    expect(readLiteral('{ a: f({ b: "}" }), c: 1, d: /[/}"]/g, e: `${{ x: `}` }}`, g: 2 }', 0)).toEqual({
      a: UNREADABLE,
      c: 1,
      d: UNREADABLE,
      e: UNREADABLE,
      g: 2,
    })
  })
})
