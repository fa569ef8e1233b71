// `npm run build`: the publishable package in dist/, with the folders of the sources and a declaration beside each
// file. Paths that the code derives from its own place (a worker's entry, for example) are the same in both.
import { spawnSync } from 'node:child_process'
import { cpSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../', import.meta.url))

rmSync(`${root}dist`, { recursive: true, force: true })
const { status } = spawnSync('tsc', ['-p', 'tsconfig.build.json'], { cwd: root, stdio: 'inherit' })
if (status !== 0) process.exit(status ?? 1)
cpSync(`${root}bin`, `${root}dist/bin`, { recursive: true })
