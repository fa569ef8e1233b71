// Makes dist/, the publishable package's code: JavaScript and declarations from gateway/ and warmpool/, the runtime of
// workers in one file, and the command. `npm pack` runs it first.
import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { writeRuntimeBundle } from '../warmpool/runtime-bundle.ts'
import { doorName, writeDoor } from '../warmpool/system-door/file.ts'
import { root, toolEnv } from './tool-path.mjs'

const dist = join(root, 'dist')

rmSync(dist, { recursive: true, force: true })
const { status } = spawnSync('tsc', ['-p', 'tsconfig.build.json'], { cwd: root, stdio: 'inherit', env: toolEnv() })
if (status !== 0) {
  console.error('The build failed: see what tsc says above. dist/ is not usable.')
  process.exit(1)
}
writeRuntimeBundle(join(root, 'warmpool/runtimes/node/main.ts'), join(dist, 'warmpool/runtimes/node/main.cjs'))
for (const processor of ['x64', 'arm64'])
  writeDoor(join(dist, 'warmpool/runtimes/node', doorName(processor)), processor)
cpSync(join(root, 'warmpool/runtimes/python'), join(dist, 'warmpool/runtimes/python'), {
  recursive: true,
  filter: (path) => !path.includes('__pycache__'),
})
cpSync(join(root, 'bin'), join(dist, 'bin'), { recursive: true })
chmodSync(join(dist, 'bin/wrangler-free.js'), 0o755)
console.error(`Built dist/ (${readdirSync(dist, { recursive: true }).length} files and folders).`)
