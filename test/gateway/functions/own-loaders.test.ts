/** The names that bundled modules load by: exchanged where they must be, and nowhere else. */
import { expect, test } from 'vitest'
import { LOADERS_BANNER, LOADERS_IN_USE, Patterns, withOwnLoaders } from '../../../gateway/functions/own-loaders.ts'

const place = (input: string) => ({ path: input, isOwn: !input.startsWith('node_modules/') })

function bundled(modules: Readonly<Record<string, string>>): string {
  const parts = Object.entries(modules).map(([input, code]) => `// ${input}\n${code}\n`)
  return withOwnLoaders(`${LOADERS_BANNER}\n${parts.join('')}`, { inputs: Object.keys(modules), place })
}

const unchanged: readonly [what: string, code: string][] = [
  ['a module of Node’s own', '__require("node:fs"); __require("fs/promises")'],
  ['an import of a text', 'import(\'node:fs\'); import( "x" )'],
  ['a longer name', '__requireMe(name); important(name); my.__require2()'],
]
test.each(unchanged)('%s is left as it is', (_what, code) => {
  expect(bundled({ 'a.js': code })).toBe(`${LOADERS_BANNER}\n// a.js\n${code}\n`)
})

test('each module loads from its own place, by names of the same length', () => {
  const code = bundled({
    'a.js': 'const a = __require(name), b = __require.resolve("x"), c = import(name);',
    'lib/b.js': 'try { __require("not-there"); } catch {}',
    'node_modules/p/i.js': 'import(name); __require(name);',
  })
  expect(code).toContain('// a.js\nconst a = __wfr0000(name), b = __wfr0000.resolve("x"), c = _wfi00(name);\n')
  expect(code).toContain('// lib/b.js\ntry { __wfr0001("not-there"); } catch {}\n')
  expect(code).toContain('// node_modules/p/i.js\nimport(name); __wfr0002(name);\n')
  for (const [name, path] of [
    ['__wfr0000 = __wfRequireOf', 'a.js'],
    ['_wfi00 = __wfImportOf', 'a.js'],
    ['__wfr0001 = __wfRequireOf', 'lib/b.js'],
    ['__wfr0002 = __wfRequireOf', 'node_modules/p/i.js'],
  ])
    expect(code.split('\n')[0]).toContain(`const ${name}("${path}");`)
})

test('what is bundled as CommonJS is shared with what is loaded later', () => {
  const wrapper = 'var require_s = __commonJS({\n  "s.js"(exports) {\n    __require(name)\n  }\n});'
  expect(bundled({ 's.js': wrapper }).split('\n')[0]).toContain(`${LOADERS_IN_USE} () => [["s.js", () => require_s()]]`)
})

test('a comment of the author’s that looks like the name of a module begins none', () => {
  expect(bundled({ 'a.js': '1\n// elsewhere.js\n__require(name)' })).toContain('__wfr0000(name)')
})

test('a load of which only the beginning is known is left to running code where that is asked for', () => {
  const texts = {
    "require('./a/' + name)": "require(String()+'./a/' + name)",
    // biome-ignore lint/suspicious/noTemplateCurlyInString: as it is written in code
    'import(`../${name}.js`)': 'import(String()+`../${name}.js`)',
    "require('./a')": "require('./a')",
    "require('a/' + name)": "require('a/' + name)",
  }
  for (const [text, left] of Object.entries(texts)) {
    const patterns = new Patterns(true)
    expect(patterns.seen(text)).toBe(left)
    expect(patterns.areThere).toBe(text !== left)
    expect(new Patterns(false).seen(text)).toBe(text)
  }
})
