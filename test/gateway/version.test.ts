/** The version is told by the status, which has to answer when the process has no descriptor left. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

const program = `
import { openSync } from 'node:fs'
import { packageVersion } from ${JSON.stringify(new URL('../../gateway/version.ts', import.meta.url).href)}
const before = packageVersion()
let full = ''
try { for (;;) openSync('/dev/null') } catch ({ code }) { full = code }
process.stdout.write([full, before, packageVersion()].join(' '))
`

it('is known without reading it again', () => {
  const words = [process.execPath, '--input-type=module', '--eval', program]
  const { stdout } = spawnSync('/bin/sh', ['-c', 'ulimit -n 64; exec "$@"', 'sh', ...words], { encoding: 'utf8' })
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  const { version } = JSON.parse(manifest) as { version: string }
  expect(stdout).toBe(`EMFILE ${version} ${version}`)
})
