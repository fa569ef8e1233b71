// Installs what the lockfile asks for when it is not installed yet, and does nothing otherwise. Runs on any Node,
// because it is what brings the right one (the npm package `node`).
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'

const root = new URL('../', import.meta.url)

/** The versions that npm last installed, against those that the lockfile asks for. */
function isInstalled() {
  const marker = new URL('node_modules/.package-lock.json', root)
  if (!existsSync(marker) || !existsSync(new URL('node_modules/.bin/node', root))) return false
  const wanted = JSON.parse(readFileSync(new URL('package-lock.json', root), 'utf8')).packages
  const found = JSON.parse(readFileSync(marker, 'utf8')).packages
  return Object.entries(wanted).every(
    ([path, { version, optional }]) => path === '' || optional || found[path]?.version === version,
  )
}

if (!isInstalled()) {
  console.error('Installing the versions in package-lock.json (once)…')
  const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    shell: process.platform === 'win32',
  })
  if (status !== 0) {
    console.error('npm ci failed: see its message above. Nothing was started.')
    process.exit(status ?? 1)
  }
}
