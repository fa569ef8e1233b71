/** The formats' common contract, for those that hand `(req, res)` to a function: stated, and inferred where they can be. */
import { describe, test } from 'vitest'
import { bundled } from './bundled.ts'
import { CalledFunction } from './called.ts'
import { CASES } from './contract.ts'
import { GCF_SAMPLE } from './contract-gcf.ts'
import { NODE_SAMPLE } from './contract-node.ts'
import { VERCEL_SAMPLE } from './contract-vercel.ts'

for (const { format, isInferred, isBundled, module } of [NODE_SAMPLE, GCF_SAMPLE, VERCEL_SAMPLE]) {
  for (const stated of isInferred ? [format, null] : [format]) {
    describe(`the format ${format}, ${stated === null ? 'inferred' : 'stated'},`, () => {
      test.each(CASES)('$promise', async ({ asked, check }) => {
        const called = isBundled
          ? await bundled({ 'index.js': module }, { format: stated })
          : CalledFunction.of({ 'index.mjs': module }, { format: stated })
        check(await called.call(asked), '')
      })
    })
  }
}
