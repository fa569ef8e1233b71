/** The examples of docs/coming-from/ answer as they stand there. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { stopBuilding } from '../../../../gateway/functions/build.ts'
import { builtFunction } from './built.ts'

afterAll(stopBuilding)

const PAGES = resolve(import.meta.dirname, '../../../../docs/coming-from')

/** The page's example: the path in its first line, and a `main` where that line says one. */
function exampleOf(page: string): { readonly name: string; readonly tree: Record<string, string> } {
  const text = /```ts\n([\s\S]*?)```/.exec(readFileSync(`${PAGES}/${page}.md`, 'utf8'))![1]!
  const [, path = '', main] = /^\/\/ functions\/(\S+?)(?:, with (\{.*\}) .*)?\n/.exec(text) ?? []
  const name = path.split('/')[0]!.replace(/\.ts$/, '')
  return { name, tree: { [path]: text, ...(main === undefined ? {} : { [`${name}/package.json`]: main }) } }
}

async function answered(page: string, url: string): Promise<string> {
  const { name, tree } = exampleOf(page)
  const called = await builtFunction(name, tree, { env: { NAME: 'Ada' } })
  return called.text({ url })
}

test('Cloudflare Workers', async () => {
  expect(await answered('cloudflare-workers', '/')).toBe('Hello Ada')
})

test('what Workers import besides code, in a folder and beside a single file', async () => {
  const adds = Buffer.from('0061736d0100000001070160027f7f017f030201000707010361646400000a09010700200020016a0b', 'hex')
  const worker = `
    import page from './page.html'
    import query from './query.sql'
    import note from './note.txt'
    import bytes from './bytes.bin'
    import adds from './adds.wasm'
    import again from './adds.wasm?module'
    export default {
      async fetch() {
        const instance = await WebAssembly.instantiate(adds)
        const isBuffer = bytes instanceof ArrayBuffer
        return Response.json([page, query, note, isBuffer, bytes.byteLength, instance.exports.add(2, 3), again instanceof WebAssembly.Module])
      },
    }`
  const files = {
    'page.html': '<p>',
    'query.sql': 'select',
    'note.txt': 'note',
    'bytes.bin': 'abc',
    'adds.wasm': `${adds}`,
  }
  const folder = Object.fromEntries(Object.entries(files).map(([name, text]) => [`worker/${name}`, text]))
  for (const tree of [
    { ...folder, 'worker/index.ts': worker },
    { ...files, 'worker.ts': worker },
  ]) {
    const called = await builtFunction('worker', tree)
    expect(JSON.parse(await called.text())).toEqual(['<p>', 'select', 'note', true, 3, 5, true])
  }
})

test('Deno Deploy', async () => {
  expect(await answered('deno-deploy', '/')).toBe('Hello Ada')
})

test('Netlify', async () => {
  expect(await answered('netlify', '/travel-guide/rome/italy')).toBe("You're visiting rome in italy!")
})

test('Azure', async () => {
  expect(await answered('azure', '/api/products/tea/7')).toBe('{"category":"tea","id":"7"}')
})
