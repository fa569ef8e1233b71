import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { expect, expectTypeOf, test } from 'vitest'
import type * as z from 'zod'
import { loadConfig, type UserConfig } from '../../../gateway/config/index.ts'
import type { configSchema } from '../../../gateway/config/schema.ts'
import { generatedFiles } from '../../../scripts/config-docs.ts'

const root = fileURLToPath(new URL('../../../', import.meta.url))

test('docs/configuration.md and user-config.ts are what the schema says; else run: node scripts/config-docs.ts', async () => {
  for (const [path, content] of Object.entries(await generatedFiles())) {
    expect(await readFile(`${root}${path}`, 'utf8'), path).toBe(content)
  }
})

test('the type that editors see is the type that the schema takes', () => {
  // Checked by `tsc`, not when the test runs.
  expectTypeOf<UserConfig>().toEqualTypeOf<z.input<typeof configSchema>>()
})

test("the project's own configuration is valid", async () => {
  const config = await loadConfig({ cwd: root, env: {} })
  expect(config.file).toBe(`${root}wrangler-free.config.ts`)
  expect(config.functionSettings('hello').minWorkers).toBe(1)
  expect(config.functionSettings('hello').minWorkers).toBe(1)
  expect(config.listen.serverTiming).toBe(true)
})
