/** The child's end of a stream channel: `stream-worker.ts TASK FORMAT stdio|pipes|@SOCKET`. Ends with its input. */
import { connect, Socket } from 'node:net'
import type { Duplex, Readable, Writable } from 'node:stream'
import { type TaskName, tasks } from '../tasks/tasks.ts'
import { type FormatName, formats } from './formats.ts'

const [taskName, formatName, way] = process.argv.slice(2) as [TaskName, FormatName, string]
const task = tasks[taskName] as (value: number | Uint8Array) => number | Uint8Array
const format = formats[formatName]
const decode = format.decoder()
const { input, output } = ends(way)

input.on('data', (chunk: Buffer) => {
  output.cork()
  for (const value of decode(chunk)) for (const part of format.encode(task(value))) output.write(part)
  output.uncork()
})
input.on('end', () => process.exit())

function ends(way: string): { readonly input: Readable; readonly output: Writable } {
  if (way === 'stdio') return { input: process.stdin, output: process.stdout }
  if (way === 'pipes') {
    return {
      input: new Socket({ fd: 3, readable: true, writable: false }),
      output: new Socket({ fd: 4, readable: false }),
    }
  }
  const socket: Duplex = connect(way.replace('@', '\0'))
  return { input: socket, output: socket }
}
