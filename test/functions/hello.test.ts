import { expect, test } from 'vitest'
import hello from '../../functions/hello.ts'

async function greet(query: string): Promise<string> {
  return hello.fetch(new Request(`http://localhost/${query}`)).text()
}

test('greets the world when no name is given', async () => {
  expect(await greet('')).toBe('Hello, world!\n')
  expect(await greet('?name=')).toBe('Hello, world!\n')
})

test('greets by name, decoded, as text and never as HTML', async () => {
  const response = hello.fetch(new Request('http://localhost/?name=%3Cb%3EZo%C3%AB'))
  expect(response.headers.get('content-type')).toMatch(/^text\/plain/)
  expect(await response.text()).toBe('Hello, <b>Zoë!\n')
})
