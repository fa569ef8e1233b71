import { spawnSync } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { configDefaults, defineConfig } from 'vitest/config'

/** What starts real Python functions and programs. */
const OF_PYTHON = [
  'test/runtimes/python/**',
  'test/runtimes/node/formats/{http,stdio}.test.ts',
  'test/conformance/**',
  'test/e2e/{inspect,platforms,runtimes}.test.ts',
]
const hasPython = spawnSync('python3', ['--version']).status === 0
if (!hasPython) console.warn(`SKIPPED  ${OF_PYTHON.join(', ')}: python3 is not here (apt-get install python3)`)

export default defineConfig({
  resolve: {
    alias: {
      'wrangler-free/warmpool': new URL('./warmpool/index.ts', import.meta.url).pathname,
      'wrangler-free': new URL('./gateway/index.ts', import.meta.url).pathname,
    },
  },
  test: {
    include: ['test/**/*.test.ts'],
    exclude: [...configDefaults.exclude, ...(hasPython ? [] : OF_PYTHON)],
    // Tests wait for events, never for luck: this bound only ends a test that would hang for ever.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
    // Tests mostly wait for processes: a file for each core, and not one core left over.
    maxWorkers: availableParallelism(),
  },
})
