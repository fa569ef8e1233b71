import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { commandOf } from '../../warmpool/runtime.ts'
import { cachedRuntimeBundle } from '../../warmpool/runtime-bundle.ts'

const folder = mkdtempSync(join(tmpdir(), 'wrangler-free-runtime-'))
const sources = join(folder, 'sources')
const cache = join(folder, 'cache')
const entry = join(sources, 'main.ts')
afterAll(() => rmSync(folder, { recursive: true, force: true }))

beforeEach(() => {
  for (const made of [sources, cache]) {
    rmSync(made, { recursive: true, force: true })
    mkdirSync(made)
  }
  writeFileSync(join(sources, 'part.ts'), 'export const part: string = "first"\n')
  writeFileSync(entry, "import { part } from './part.ts'\nconsole.log(part, import.meta.dirname)\n")
})

describe('the bundle of a runtime', () => {
  it('is one file that needs no other', () => {
    const bundle = readFileSync(cachedRuntimeBundle(entry, [sources], cache), 'utf8')
    expect(bundle).toContain('first')
    expect(bundle).toContain('__dirname')
    expect(bundle).not.toMatch(/require\("\./)
  })

  it('is made once, and leaves nothing unfinished', () => {
    const file = cachedRuntimeBundle(entry, [sources], cache)
    const { ino } = statSync(file)
    expect(cachedRuntimeBundle(entry, [sources], cache)).toBe(file)
    expect(statSync(file).ino).toBe(ino)
    expect(readdirSync(cache)).toHaveLength(1)
  })

  it('is another one when any source has changed', () => {
    const before = cachedRuntimeBundle(entry, [sources], cache)
    writeFileSync(join(sources, 'part.ts'), 'export const part: string = "second"\n')
    const after = cachedRuntimeBundle(entry, [sources], cache)
    expect(after).not.toBe(before)
    expect(readFileSync(after, 'utf8')).toContain('second')
    expect(readFileSync(before, 'utf8')).toContain('first')
  })

  it('is what workers are started from', () => {
    expect(commandOf('node').args.at(-1)).toMatch(/\/runtime-[0-9a-f]{32}\.cjs$/)
  })
})
