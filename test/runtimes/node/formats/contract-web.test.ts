/** Netlify's and Azure's samples keep the contract that all formats keep. */
import { afterAll, describe, test } from 'vitest'
import { stopBuilding } from '../../../../gateway/functions/build.ts'
import { builtFunction } from './built.ts'
import { CASES } from './contract.ts'
import { azureSample } from './contract-azure.ts'
import { netlifySample } from './contract-netlify.ts'

afterAll(stopBuilding)

for (const { format, module, prefix = '' } of [netlifySample, azureSample]) {
  for (const stated of [format, null]) {
    describe(`the format ${format}, ${stated === null ? 'inferred' : 'stated'},`, () => {
      test.each(CASES)('$promise', async ({ asked, check }) => {
        const called = await builtFunction('sample', { 'sample/index.js': module }, { format: stated })
        check(await called.call({ ...asked, url: prefix + asked.url }), prefix)
      })
    })
  }
}
