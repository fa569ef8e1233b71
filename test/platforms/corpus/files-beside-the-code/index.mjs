import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { there } from './lib/there.cjs'

export async function GET() {
  return Response.json({
    url: await readFile(new URL('./data/a.txt', import.meta.url), 'utf8'),
    dirname: readFileSync(join(import.meta.dirname, 'data', 'a.txt'), 'utf8'),
    cwd: readFileSync('data/a.txt', 'utf8'),
    cjs: there(),
  })
}
