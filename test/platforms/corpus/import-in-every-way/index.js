import { createRequire } from 'node:module'
import { readFileSync } from 'node:fs'
import { word } from './lib/deep/word.js'

const require = createRequire(import.meta.url)
const pick = (list, at) => list[at]

export async function GET() {
  const relative = await import(pick(['./lib/a.js', './lib/b.js'], 1))
  const url = await import(new URL(pick(['./lib/a.js'], 0), import.meta.url).href)
  const bare = await import(pick(['dual-of-ours'], 0))
  const own = await import(pick(['#own/a'], 0))
  const data = await import(pick(['./data.json'], 0), { with: { type: 'json' } })
  return Response.json({
    relative: relative.name,
    url: url.name,
    bare: bare.kind,
    required: require('dual-of-ours').kind,
    own: own.name,
    deep: await word('./inner.js'),
    data: data.default.n,
    resolved: import.meta.resolve('./lib/a.js').endsWith('/lib/a.js'),
    resolvedPackage: readFileSync(new URL(import.meta.resolve('dual-of-ours')), 'utf8').includes('kind'),
  })
}
