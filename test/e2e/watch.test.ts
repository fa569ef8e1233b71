/** `serve --watch`: folders that change under a running gateway go the same way as deployments. */
import { expect, it } from 'vitest'
import { runGateway } from './gateway-under-test.ts'
import { eventually } from './processes.ts'

const source = (words: string): string => `export default () => new Response('${words}')\n`

it('swaps what works, keeps what worked, and takes what is new', async () => {
  const functions = { hello: { 'index.js': source('one') } }
  const gateway = runGateway({ functions }, ['--watch', '--port', '0', '--admin-port', '0'])
  await gateway.answers()
  const said = async (path: string): Promise<string> => (await gateway.fetch(path)).text()
  expect(await said('/hello')).toBe('one')

  let isOver = false
  const caller = async (): Promise<Set<string>> => {
    const seen = new Set<string>()
    while (!isOver) {
      const response = await gateway.fetch('/hello')
      seen.add(`${response.status} ${await response.text()}`)
    }
    return seen
  }
  const calling = caller()
  gateway.project.write('functions/hello/index.js', source('two'))
  await gateway.logged(({ msg, function: name }) => name === 'hello' && msg.startsWith('swapped in'))

  gateway.project.write('functions/hello/index.js', 'no code {')
  await gateway.logged(({ msg }) => msg.includes('what was live stays live'))
  expect((await gateway.statusOf('hello')).error).toMatchObject({ code: 'build-failed' })
  gateway.project.write('functions/hello/index.js', "throw new Error('ill')")
  await gateway.logged(({ msg }) => msg.includes('Error: ill') && msg.includes('stays live'))
  gateway.project.write('functions/hello/function.json', '{ "health": { "path": "/up", "status": 204 } }')
  gateway.project.write('functions/hello/index.js', source('unwell'))
  await gateway.logged(({ msg }) => msg.includes('has to be answered with 204'))
  expect(await said('/hello')).toBe('two')
  gateway.project.write('functions/hello/function.json', '{}')
  gateway.project.write('functions/hello/index.js', source('three'))
  await eventually(async () => (await said('/hello')) === 'three')
  isOver = true
  const seen = await calling
  expect([...seen].filter((one) => !['200 one', '200 two', '200 three'].includes(one))).toEqual([])
  expect((await gateway.statusOf('hello')).error).toBe(null)

  gateway.project.write('functions/fresh.js', source('fresh'))
  await eventually(async () => (await said('/fresh')) === 'fresh')
})
