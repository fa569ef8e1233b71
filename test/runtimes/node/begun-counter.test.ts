import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, onTestFinished, test } from 'vitest'
import { Journal } from '../../../warmpool/journal.ts'

const MODULE = new URL('../../../warmpool/runtimes/node/begun-counter.ts', import.meta.url).href

/** Counts as a worker does, and says so; `ending` is what it does then. */
function counting(ending: string): string {
  return `
    import { writeSync } from 'node:fs'
    import { openBegunCounter } from '${MODULE}'
    const began = openBegunCounter(4)
    let id = 0
    while (id < 1000) began(++id)
    ${ending}`
}

function startCounting(ending: string): { journal: Journal; child: ReturnType<typeof spawn> } {
  const journal = new Journal()
  onTestFinished(() => journal.close())
  const stdio = ['ignore', 'pipe', 'inherit', 'ignore', journal.fd] as const
  const words = ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', counting(ending)]
  return { journal, child: spawn(process.execPath, words, { stdio: [...stdio] }) }
}

test('what was counted right before a SIGKILL is read by the parent', async () => {
  const { journal, child } = startCounting(`began(0xfffffffe); process.kill(process.pid, 'SIGKILL')`)
  expect((await once(child, 'exit'))[1]).toBe('SIGKILL')
  expect(journal.begun()).toBe(0xfffffffe)
})

test('a SIGKILL from outside amid the counting leaves a number that was counted', async () => {
  const { journal, child } = startCounting(`writeSync(1, 'counting'); for (;;) began(++id)`)
  await once(child.stdout!, 'data')
  child.kill('SIGKILL')
  await once(child, 'exit')
  expect(journal.begun()).toBeGreaterThanOrEqual(1000)
  expect(journal.begun()).toBeLessThan(0xfffffff0)
})

test('it counts in memory where Node can map the file, and by writing where not', async () => {
  const { child } = startCounting(`
    const { mapCounter } = await import('${MODULE}')
    writeSync(1, String(mapCounter(4, id) !== null))`)
  const [said] = await once(child.stdout!, 'data')
  expect(String(said)).toBe(String(process.getBuiltinModule('node:ffi' as string) !== undefined))
})
