/** The example of each page docs/coming-from runs as it stands there, with what its `function.json` says. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { type Asked, CalledFunction } from './called.ts'

/** Page, file of the example, what is asked, what is answered. */
const EXAMPLES: readonly [page: string, file: string, asked: Asked, answer: string][] = [
  ['aws-lambda', 'index.mjs', { url: '/?name=Ada' }, 'Hello, Ada!'],
  ['openfaas', 'handler.cjs', { method: 'POST', body: 'sent' }, '{"body":"sent","type":"text/plain"}'],
]

test.each(EXAMPLES)('%s', async (page, file, asked, answer) => {
  const text = readFileSync(new URL(`../../../../docs/coming-from/${page}.md`, import.meta.url), 'utf8')
  const example = /```js\n(.*?)```/s.exec(text)![1]!
  const { format = null } = JSON.parse(/```json\n(.*?)```/s.exec(text)![1]!) as { format?: string }
  expect(await CalledFunction.of({ [file]: example }, { format }).text(asked)).toBe(answer)
})
