/** What a function is told of where it runs: NODE_ENV. */
import { expect, test } from 'vitest'
import { startGateway } from './gateway-under-test.ts'

const TELLS = 'export default () => new Response(process.env.NODE_ENV)'
const PYTHON = "import os\ndef handler(request):\n    return os.environ['NODE_ENV']\n"

test.each([
  ['serve', 'production'],
  ['dev', 'development'],
] as const)('under %s it is %s, unless the function’s own variables say otherwise', async (command, expected) => {
  const functions = { tells: TELLS, own: TELLS, snake: { 'main.py': PYTHON } }
  const overrides = { own: { env: { NODE_ENV: 'staging' } } }
  const gateway = await startGateway({ command, functions, config: { overrides } })
  const told = await Promise.all(Object.keys(functions).map(async (name) => (await gateway.fetch(`/${name}`)).text()))
  expect(told).toEqual([expected, 'staging', expected])
})
