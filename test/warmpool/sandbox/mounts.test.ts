/** Which mounts a sandbox gets for a function's paths, over real folders and links. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { mountsFor } from '../../../warmpool/sandbox/mounts.ts'

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'mounts-')))
afterAll(() => rmSync(folder, { recursive: true }))
const path = (name: string): string => join(folder, name)
for (const name of ['a', 'a/below', 'elsewhere', 'ab']) mkdirSync(path(name))
writeFileSync(path('a/file'), '')
symlinkSync(path('elsewhere'), path('a/link'))
symlinkSync(path('elsewhere'), path('link'))

const same = (name: string, isWritable = false) => ({ from: path(name), at: path(name), isWritable })

describe('mounts', () => {
  it('are made for what is there, and not for what another holds or the system is', () => {
    const read = [path('a'), path('a/below'), path('a/file'), path('absent'), '/usr/bin', path('ab')]
    expect(mountsFor(read, [])).toEqual([same('a'), same('ab')])
  })

  it('that may be written to lie in what may be read', () => {
    expect(mountsFor([path('a')], [path('a/below')])).toEqual([same('a'), same('a/below', true)])
    expect(mountsFor([path('a/below')], [path('a')])).toEqual([same('a', true)])
    expect(mountsFor([path('a')], [path('a')])).toEqual([same('a', true)])
  })

  it('hold what links lead to, under both names', () => {
    expect(mountsFor([path('link')], [])).toEqual([
      same('elsewhere'),
      { from: path('elsewhere'), at: path('link'), isWritable: false },
    ])
    expect(mountsFor([path('a'), path('a/link')], [])).toEqual([same('a'), same('elsewhere')])
  })
})
