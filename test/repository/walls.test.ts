/** The walls between the rooms hold: biome refuses an import that crosses one, and says why (biome.walls.json). */
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../../', import.meta.url))
const biome = join(root, 'node_modules/.bin/biome')

/** A folder with the repository's rules and nothing else. */
const folder = mkdtempSync(join(tmpdir(), 'wrangler-free-walls-'))
for (const name of ['biome.json', 'biome.walls.json']) copyFileSync(join(root, name), join(folder, name))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** What biome says about a file at that path with these imports; empty when nothing is wrong. */
function complaintsAbout(path: string, ...specifiers: string[]): string {
  const file = join(folder, path)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, specifiers.map((specifier) => `import '${specifier}'\n`).join(''))
  const args = ['lint', '--only=style/noRestrictedImports', '--vcs-enabled=false', '--colors=off', path]
  const { status, stdout, stderr, error } = spawnSync(biome, args, { cwd: folder, encoding: 'utf8' })
  if (error !== undefined) throw error
  return status === 0 ? '' : stdout + stderr
}

describe('a wall', () => {
  it.each([
    ['gateway/http/edge.ts', '../../warmpool/worker.ts', 'warmpool/index.ts and nothing deeper'],
    ['gateway/gateway.ts', '../warmpool/wire/frames.ts', 'warmpool/index.ts and nothing deeper'],
    ['warmpool/warm-pool.ts', '../gateway/log.ts', 'knows no gateway'],
    ['warmpool/warm-pool.ts', 'hono', 'One door per dependency'],
    ['warmpool/warm-pool.ts', 'zod', 'One door per dependency'],
    ['warmpool/runtime.ts', './runtimes/node/main.ts', 'never loaded by the parent'],
    ['warmpool/policy/pacing.ts', 'node:fs', 'Policies are pure'],
    ['warmpool/policy/pacing.ts', '../worker.ts', 'Policies are pure'],
    ['warmpool/wire/frames.ts', '../worker.ts', 'shared by both sides'],
    ['warmpool/runtimes/node/main.ts', '../../worker.ts', 'inside a worker'],
    ['warmpool/runtimes/node/web/body.ts', '../../../worker.ts', 'inside a worker'],
    ['warmpool/runtimes/node/main.ts', '../../policy/pacing.ts', 'inside a worker'],
    ['warmpool/runtimes/node/main.ts', 'hono', 'inside a worker'],
    ['functions/hello.ts', '../gateway/log.ts', 'Sample functions'],
    ['functions/markdown/index.ts', '../../warmpool/index.ts', 'Sample functions'],
    ['functions/hello.ts', 'wrangler-free/warmpool', 'Sample functions'],
  ])('refuses that %s imports %s, and says why', (path, specifier, why) => {
    expect(complaintsAbout(path, specifier)).toContain(why)
  })

  it.each([
    ['execa', 'warmpool/spawn.ts', 'warmpool/reaper.ts'],
    ['esbuild', 'warmpool/runtime-bundle.ts', 'warmpool/runtime.ts'],
    ['lru-cache', 'warmpool/warm-set.ts', 'warmpool/warm-pool.ts'],
    ['zod', 'gateway/config/schema.ts', 'gateway/http/edge.ts'],
    ['hono', 'gateway/admin/app.ts', 'gateway/http/edge.ts'],
    ['@hono/node-server', 'gateway/admin/server.ts', 'gateway/admin/app.ts'],
    ['esbuild', 'gateway/functions/build.ts', 'gateway/gateway.ts'],
    ['esbuild', 'gateway/config/run-file.ts', 'gateway/cli/dev.ts'],
    ['pino', 'gateway/log.ts', 'gateway/narrate.ts'],
    ['commander', 'gateway/cli/program.ts', 'gateway/gateway.ts'],
  ])('lets %s in through %s and not through %s', (specifier, door, elsewhere) => {
    expect(complaintsAbout(door, specifier)).toBe('')
    expect(complaintsAbout(elsewhere, specifier)).toContain('One door per dependency')
  })

  it('lets through what each room needs', () => {
    expect(complaintsAbout('gateway/gateway.ts', '../warmpool/index.ts', 'node:fs/promises', './log.ts')).toBe('')
    expect(complaintsAbout('warmpool/warm-pool.ts', './wire/frames.ts', './policy/pacing.ts', 'node:events')).toBe('')
    expect(complaintsAbout('warmpool/policy/recycling.ts', '../settings.ts', './pacing.ts')).toBe('')
    expect(complaintsAbout('warmpool/runtimes/node/main.ts', '../../wire/frames.ts', 'node:url', './call.ts')).toBe('')
    expect(complaintsAbout('warmpool/runtimes/node/web/request.ts', '../incoming-body.ts', './body.ts')).toBe('')
    expect(complaintsAbout('functions/guestbook/index.ts', 'hono', 'node:crypto', './page.ts')).toBe('')
  })
})
