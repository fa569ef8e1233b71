/** The examples of docs/programs.md answer as they are written there. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { Asked } from './called.ts'
import { programOf } from './programs.ts'

const FORMATS = { http: 'http', stdio: 'stdio', lambda: 'bootstrap' } as const
type Runtime = keyof typeof FORMATS

const page = readFileSync(new URL('../../../../docs/programs.md', import.meta.url), 'utf8')

/** The files of one section, by name: blocks whose first line names them. */
function exampleOf(runtime: Runtime): Readonly<Record<string, string>> {
  const section = page.split(/^## /m).find((text) => text.startsWith(`\`${runtime}\``))!
  return Object.fromEntries([...section.matchAll(/^```\w+ (\S+)\n(.*?)^```$/gms)].map(([, name, text]) => [name, text]))
}

const asked: readonly (readonly [Runtime, Asked, string])[] = [
  ['http', { url: '/ada' }, 'Hello from /ada\n'],
  [
    'stdio',
    { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"name":"Ada"}' },
    '{"hello": "Ada"}',
  ],
  ['lambda', { url: '/ada' }, 'Hello, ada'],
]

test.each(asked)('%s', async (runtime, call, answer) => {
  const { 'function.json': settings, ...files } = exampleOf(runtime)
  const { runtime: stated, command = null } = JSON.parse(settings!)
  expect(stated).toBe(runtime)
  const program = programOf(FORMATS[runtime], files, command)
  for (const _ of [1, 2]) expect(await program.text(call)).toBe(answer)
})
