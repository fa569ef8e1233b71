// `npm run bench`: installs what the measurements need (in bench/, never in the product) and runs them. Words after
// `npm run bench --` are passed on: suite names, --quick, --list.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const bench = fileURLToPath(new URL('../bench/', import.meta.url))

function run(command, args) {
  const { status } = spawnSync(command, args, { cwd: bench, stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}

if (!existsSync(`${bench}node_modules`)) run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'])
run('node', ['run.ts', ...process.argv.slice(2)])
