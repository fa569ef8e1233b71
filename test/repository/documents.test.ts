/** What the documents say about the repository is so: files that they name exist, and the code map knows every file. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../../', import.meta.url))

const DOCUMENTS = [
  'README.md',
  'CONTRIBUTING.md',
  'chaos/README.md',
  'functions/README.md',
  'examples/production/README.md',
  'examples/side-by-side/README.md',
  ...(readdirSync(join(root, 'docs'), { recursive: true }) as string[])
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
]

const read = (path: string): string => readFileSync(join(root, path), 'utf8')

describe.each(DOCUMENTS)('%s', (path) => {
  it('links to files that exist', () => {
    const links = [...read(path).matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].map((match) => match[1]!)
    const dead = links.filter((link) => !existsSync(join(root, dirname(path), link)))
    expect(dead).toEqual([])
  })

  it('names no place outside the repository', () => {
    expect(read(path)).not.toMatch(/\.\.\/shared|\/work\/|\/tmp\//)
  })
})

/** Files by folder, as the code map lists them. */
function mappedFiles(): string[] {
  const files: string[] = []
  let room = ''
  const [, map = ''] = read('docs/architecture.md').split('## Code map')
  for (const line of map.split('\n')) {
    room = /^\*\*`(.+)\/`\*\*/.exec(line)?.[1] ?? (line.startsWith('**') ? '' : room)
    const name = /^- `([^`/]+\.ts)`: \S/.exec(line)?.[1]
    if (name !== undefined && room !== '') files.push(`${room}/${name}`)
  }
  return files.sort()
}

describe('the code map in docs/architecture.md', () => {
  it('has a line for each file of gateway/ and warmpool/, and for no other', () => {
    const files = ['gateway', 'warmpool'].flatMap((room) =>
      readdirSync(join(root, room), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
        .map((entry) => relative(root, join(entry.parentPath, entry.name))),
    )
    expect(mappedFiles()).toEqual(files.sort())
  })
})

describe('the door table in docs/architecture.md', () => {
  it('has a row for each dependency of the product', () => {
    const { dependencies } = JSON.parse(read('package.json')) as { dependencies: Record<string, string> }
    const [, doors = ''] = read('docs/architecture.md').split('## The doors')
    const rows = doors.split('\n').filter((line) => line.startsWith('|'))
    const listed = rows.flatMap((row) => row.split('|')[1]!.split(',')).map((name) => name.trim())
    expect(Object.keys(dependencies).filter((name) => !listed.includes(name))).toEqual([])
  })
})
