#!/usr/bin/env node
// The command's first step, in JavaScript that any Node can read: it says clearly when Node is too old, then
// hands over to gateway/cli/main (TypeScript in the repository, built JavaScript in the package).
import { existsSync } from 'node:fs'

const [major] = process.versions.node.split('.').map(Number)
if (major < 24) {
  process.stderr.write(
    `wrangler-free needs Node 24 or newer; this is Node ${process.versions.node} (${process.execPath}).\n` +
      'Way out: install a current Node, or run it with one from npm:\n' +
      '  npx --package=node@26 --package=wrangler-free -- wrangler-free serve\n',
  )
  process.exit(1)
}

const source = new URL('../gateway/cli/main.ts', import.meta.url)
await import(existsSync(source) ? source.href : new URL('../gateway/cli/main.js', import.meta.url).href)
