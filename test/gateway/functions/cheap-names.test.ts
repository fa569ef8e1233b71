/** Names of functions in bundles: all there, and given again only to those that lost theirs. */
import * as esbuild from 'esbuild'
import { expect, test } from 'vitest'
import { COMPILE } from '../../../gateway/functions/bundling.ts'
import { withCheapNames } from '../../../gateway/functions/cheap-names.ts'

const SOURCE = `
  import { make as other } from 'other'
  const make = () => function inner() {}
  class Named { static name = 'own' }
  const Anonymous = class {}
  const names = [make, other, make(), other(), Named, Anonymous, () => {}].map(({ name }) => name)
  export { names }
`
const OTHER = 'export const make = () => class Named {}'

test('names are those that the source gives, where two modules have the same too', async () => {
  const { outputFiles } = await esbuild.build({
    ...COMPILE,
    sourcemap: false,
    define: {},
    banner: {},
    outfile: 'out.mjs',
    stdin: { contents: SOURCE },
    plugins: [
      {
        name: 'other',
        setup({ onResolve, onLoad }) {
          onResolve({ filter: /^other$/ }, () => ({ path: 'other', namespace: 'other' }))
          onLoad({ filter: /./, namespace: 'other' }, () => ({ contents: OTHER }))
        },
      },
    ],
  })
  const code = withCheapNames(outputFiles[0]!.text)
  expect(code).toContain('target.name === value ? target')
  expect(code.split('\n').length).toBe(outputFiles[0]!.text.split('\n').length)
  const { names } = await import(`data:text/javascript,${encodeURIComponent(code)}`)
  expect(names).toEqual(['make', 'make', 'inner', 'Named', 'own', 'Anonymous', ''])
})
