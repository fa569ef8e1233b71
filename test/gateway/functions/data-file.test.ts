/** Data files of platforms: what they say, and that none of them stops the gateway. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { DataFileProblem, readDataFile } from '../../../gateway/functions/data-file.ts'
import { temporaryFolder } from './helpers.ts'

async function read(name: string, text: string): Promise<unknown> {
  const file = join(await temporaryFolder(), name)
  await writeFile(file, text)
  return readDataFile(file)
}

const FILLING = Array.from({ length: 2_000 }, (_, at) => `k${at}`)

test.each([
  ['short.yml', 'a: 1\nb: !Ref X\n', { a: 1, b: 'X' }],
  ['short.toml', 'a = 1\n[b]\nc = "d"', { a: 1, b: { c: 'd' } }],
  ['short.jsonc', '\uFEFF{ "a": "//no", /* . */ "b": [1, 2, ], } // end', { a: '//no', b: [1, 2] }],
  ['long.yaml', FILLING.map((key) => `${key}: 1`).join('\n'), Object.fromEntries(FILLING.map((key) => [key, 1]))],
  ['long.toml', FILLING.map((key) => `${key} = 1`).join('\n'), Object.fromEntries(FILLING.map((key) => [key, 1]))],
])('%s is read as what it says', async (name, text, said) => {
  expect(await read(name, text)).toEqual(said)
})

test.each([
  ['broken.yml', 'a: [', /./],
  ['broken.toml', 'a = = b', /Invalid/],
  ['broken.json', '{ "a": }', /JSON/],
  ['long-and-broken.yml', `${'# a comment\n'.repeat(1_000)}a: [`, /./],
  ['huge.yml', 'a'.repeat(300 * 1024), /262144 are read at most/],
])('%s is a problem in words', async (name, text, words) => {
  const problem = await read(name, text).catch((error: unknown) => error)
  expect(problem).toBeInstanceOf(DataFileProblem)
  expect((problem as Error).message).toMatch(words)
})

test('the event loop turns while a long file is parsed', async () => {
  let turns = 0
  const timer = setInterval(() => turns++, 1)
  await read('slow.yml', `[${'a,'.repeat(60 * 1024)}]`).catch(() => {})
  clearInterval(timer)
  expect(turns).toBeGreaterThan(1)
})

test('text that begins comments and strings over and over is read once', async () => {
  for (const text of ['/*'.repeat(100_000), `"${'\\"'.repeat(100_000)}`, ',  '.repeat(60_000)])
    await expect(read('a.jsonc', text)).rejects.toThrow('JSON')
})
