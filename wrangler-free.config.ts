// How this folder's functions are served. Copy it, and leave out what you do not change: everything has a default.
// Every field is explained in docs/configuration.md and, through defineConfig, by your editor.
import { defineConfig } from 'wrangler-free'

export default defineConfig({
  // Each folder or file in here is a function, served at /<its name>.
  functions: 'functions',

  listen: {
    port: 8787,
    // Tells callers what their call waited for. Try: curl -i http://127.0.0.1:8787/hello
    serverTiming: true,
  },

  // What differs for single functions; `defaults` would hold for all.
  overrides: {
    // One worker is always warm: hello never has a cold start.
    hello: { minWorkers: 1 },
  },
})
