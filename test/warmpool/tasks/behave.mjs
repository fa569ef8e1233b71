// One task with many manners, chosen by the input. Tests run it through the pool.

import { spawn } from 'node:child_process'
import { appendFileSync, closeSync, writeSync } from 'node:fs'

let calls = 0

export default async function behave(input, ctx) {
  calls++
  switch (input.do) {
    case 'echo':
      return input.value
    case 'pid':
      return process.pid
    case 'calls':
      return calls
    case 'env':
      return { mine: ctx.env[input.name] ?? null, process: process.env[input.name] ?? null }
    case 'throw':
      throw new TypeError('thrown on purpose')
    case 'exit':
      process.exit(input.code)
      break
    case 'hang':
      return new Promise(() => {})
    case 'spin':
      for (;;);
    case 'until-aborted':
      appendFileSync(input.file, `begun ${process.pid}\n`)
      await new Promise((resolve) => ctx.signal.addEventListener('abort', resolve))
      appendFileSync(input.file, 'aborted\n')
      return 'aborted'
    case 'mark':
      appendFileSync(input.file, `${input.value} ${process.pid}\n`)
      return process.pid
    case 'mark-and-hang':
      appendFileSync(input.file, `${input.value} ${process.pid}\n`)
      return new Promise(() => {})
    case 'wait-until':
      ctx.waitUntil(new Promise((resolve) => setTimeout(resolve, 50)).then(() => appendFileSync(input.file, 'late\n')))
      return process.pid
    case 'close-wire':
      closeSync(3)
      return 'closed'
    case 'garbage':
      writeSync(3, Buffer.alloc(64, 0xff))
      return new Promise(() => {})
    case 'leave-child': {
      const child = spawn('/bin/sleep', ['1000'], { stdio: 'ignore' })
      return child.pid
    }
    case 'allocate':
      globalThis.held = Buffer.alloc(input.bytes, 1)
      return process.pid
    default:
      return undefined
  }
}
