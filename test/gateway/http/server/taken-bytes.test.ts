import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { expect, it } from 'vitest'
import { takenBytes } from '../../../../gateway/http/server/taken-bytes.ts'
import { cFunctions } from '../../../../warmpool/wire/c-library.ts'

it('tells what the other side takes of a write that is not whole yet', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const reader = connect((server.address() as AddressInfo).port)
  const [writer] = (await once(server, 'connection')) as [Socket]
  const whole = Buffer.alloc(64 * 1024 * 1024)
  // Far less than a third of what the system holds, for which it takes nothing more from us. Where it cannot be asked what
  // it still holds (Node 24), only what it takes counts.
  const part = (cFunctions({}) === null ? 24 * 1024 : 512) * 1024
  let read = 0
  reader.on('data', (chunk) => {
    read += chunk.length
    if (read - chunk.length < part && read >= part) reader.pause()
  })
  writer.write(whole)
  expect(takenBytes(writer)).toBeLessThan(part)
  await once(reader, 'pause')
  await expect.poll(() => takenBytes(writer)).toBeGreaterThan(part)
  expect(writer.writableLength).toBe(whole.length)
  expect(takenBytes(writer)).toBeLessThan(whole.length)
  reader.resume()
  await once(writer, 'drain')
  await expect.poll(() => takenBytes(writer)).toBe(whole.length)
  reader.destroy()
  writer.destroy()
  server.close()
})
