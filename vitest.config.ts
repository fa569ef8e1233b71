import { defineConfig } from 'vitest/config'

export default defineConfig({
  resolve: {
    alias: {
      'wrangler-free/warmpool': new URL('./warmpool/index.ts', import.meta.url).pathname,
      'wrangler-free': new URL('./gateway/index.ts', import.meta.url).pathname,
    },
  },
  test: {
    include: ['test/**/*.test.ts'],
    // Tests wait for events, never for luck: this bound only ends a test that would hang for ever.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
  },
})
