/** What every HTTP format promises alike, called in a real worker: once stated, and once more where it can be inferred. */
import { describe, test } from 'vitest'
import { bundled } from './bundled.ts'
import { CalledFunction } from './called.ts'
import { CASES, type Sample } from './contract.ts'
import { SAMPLES } from './samples.ts'

for (const sample of SAMPLES) {
  for (const format of sample.isInferred ? [sample.format, null] : [sample.format]) {
    describe(`the format ${sample.format}, ${format === null ? 'inferred' : 'stated'},`, () => {
      test.each(CASES)('$promise', async ({ asked, check }) => {
        const called = await calledAs(sample, format)
        const prefix = sample.prefix ?? ''
        check(await called.call({ ...asked, url: prefix + asked.url }), prefix)
      })
    })
  }
}

async function calledAs({ module, files, handler, isBundled }: Sample, format: string | null) {
  const own = { ...(isBundled ? { 'index.js': module } : { 'index.mjs': module }), ...files }
  const stated = { format, handler: handler ?? null }
  return isBundled ? bundled(own, stated) : CalledFunction.of(own, stated)
}
