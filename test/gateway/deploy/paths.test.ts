import { describe, expect, it } from 'vitest'
import { checkManifest, type ManifestFile, manifestId } from '../../../gateway/deploy/manifest.ts'
import { pathProblem, togetherProblem } from '../../../gateway/deploy/paths.ts'
import { sha256 } from '../../../gateway/functions/bundle-id.ts'

describe('a path is refused that', () => {
  it.each([
    ['is empty', ''],
    ['is absolute', '/etc/passwd'],
    ['leads out', '../x'],
    ['leads out in its middle', 'a/../../x'],
    ['leads nowhere else, and says .. all the same', 'a/../b'],
    ['has an empty part', 'a//b'],
    ['has a dot for a part', './a'],
    ['ends in a slash', 'a/'],
    ['has a backslash', 'a\\..\\b'],
    ['has a zero byte', 'a\0b'],
    ['has a line break', 'a\nb'],
    ['is no UTF-8', 'a\ud800'],
    ['was no UTF-8 where it came from', 'a\ufffdb'],
    ['is too long', `${'a/'.repeat(3)}${'b'.repeat(1100)}`],
    ['has a name that is too long', 'ä'.repeat(130)],
    ['is absurdly deep', `${'a/'.repeat(40)}b`],
  ])('%s', (_, path) => expect(pathProblem(path)).not.toBe(null))
})

it.each(['index.js', 'a/b/c.txt', '...', 'a..b', '.env', 'ä/ö', 'with space'])('%s is a path', (path) => {
  expect(pathProblem(path)).toBe(null)
})

describe('paths are refused together that', () => {
  it.each([
    ['are the same', ['a', 'b', 'a']],
    ['differ in case only', ['README', 'readme']],
    ['differ in the case of a folder', ['lib/a', 'Lib/b']],
    ['differ in how a letter is composed', ['\u00e9', 'e\u0301']],
    ['are a file and a folder', ['a', 'a/b']],
    ['are a folder and then a file', ['a/b', 'a']],
  ])('%s', (_, paths) => expect(togetherProblem(paths)).not.toBe(null))

  it('and are taken where they are only alike', () => {
    expect(togetherProblem(['a/b', 'a/c', 'ab', 'b/a', 'b/A.txt'])).toBe(null)
  })
})

const file = (path: string, bytes = 1): ManifestFile => ({ path, bytes, sha256: sha256(path), executable: false })

describe('a manifest', () => {
  const check = (files: ManifestFile[]) => () => checkManifest({ files, install: 'no' }, { maxFiles: 3, maxBytes: 100 })

  it('is held to the limits of the configuration', () => {
    expect(check([file('a'), file('b', 99)])).not.toThrow()
    expect(check([])).toThrow('no file')
    expect(check(['a', 'b', 'c', 'd'].map((path) => file(path)))).toThrow('4 files; deploy.maxFiles allows 3')
    expect(check([file('a'), file('b', 100)])).toThrow('deploy.maxSize allows 100')
    expect(check([file('../a')])).toThrow('"../a" is refused: it leads out of the folder')
  })

  it('has an id of its content alone', () => {
    const id = manifestId({ files: [file('a'), file('b')], install: 'no' })
    expect(manifestId({ files: [file('b'), file('a')], install: 'no' })).toBe(id)
    const others = [
      manifestId({ files: [file('a')], install: 'no' }),
      manifestId({ files: [file('a'), file('c')], install: 'no' }),
      manifestId({ files: [file('a'), { ...file('b'), executable: true }], install: 'no' }),
      manifestId({ files: [file('a'), file('b')], install: 'packages' }),
    ]
    expect(new Set([id, ...others]).size).toBe(5)
  })
})
