/** A pool whose process runs out of descriptors gives back those of every start that fails, however near it was. */
import { spawnSync } from 'node:child_process'
import { expect, it } from 'vitest'

const program = `
import { closeSync, openSync, readdirSync } from 'node:fs'
import { WarmPool } from ${JSON.stringify(new URL('../../warmpool/index.ts', import.meta.url).href)}
const task = ${JSON.stringify(new URL('./tasks/echo.mjs', import.meta.url).href)}
const count = () => readdirSync('/proc/self/fd').length
const outcomes = []
const tryWith = async (spare) => {
  const pool = new WarmPool({ blanks: 0, defaults: { startBy: process.env.START_BY } })
  const files = []
  try { for (;;) files.push(openSync('/dev/null')) } catch {}
  for (let left = spare; left > 0; left--) closeSync(files.pop())
  const run = pool.run(task, 1).then(() => 'ran', ({ code }) => code)
  outcomes.push(await run)
  for (const file of files) closeSync(file)
  await pool.close(0)
}
const before = count()
for (const spare of [7, 8]) await tryWith(spare)
process.stdout.write(JSON.stringify({ leaked: count() - before, outcomes: [...new Set(outcomes)] }))
`

it.each(['boot', 'fork'])('loses none (%s)', (startBy) => {
  const words = [process.execPath, '--input-type=module', '--eval', program]
  const { stdout, stderr } = spawnSync('/bin/sh', ['-c', 'ulimit -n 120; exec "$@"', 'sh', ...words], {
    encoding: 'utf8',
    env: { ...process.env, START_BY: startBy },
  })
  expect(stderr).not.toContain('Error')
  expect(JSON.parse(stdout)).toEqual({ leaked: 0, outcomes: ['boot-failed'] })
})
