import { text } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { IncomingBody } from '../../../warmpool/runtimes/node/incoming-body.ts'

function make(first: string | null, more: boolean): { body: IncomingBody; grants: number[] } {
  const grants: number[] = []
  const body = new IncomingBody(first === null ? null : Buffer.from(first), more, (bytes) => grants.push(bytes))
  return { body, grants }
}

describe('an incoming body', () => {
  it('that came with the head is whole and needs no grant', () => {
    const { body, grants } = make('hello', false)
    expect([body.isAbsent, body.isWhole, body.takeWhole().toString(), grants]).toEqual([false, true, 'hello', []])
  })

  it('is absent only when nothing came and nothing was announced', async () => {
    expect(make(null, false).body.isAbsent).toBe(true)
    const { body } = make(null, true)
    body.end()
    expect([body.isAbsent, body.isWhole, (await body.collect()).length]).toEqual([false, true, 0])
  })

  it('that came in parts before anyone read it is whole', () => {
    const { body } = make('a', true)
    expect(body.isWhole).toBe(false)
    body.push(Buffer.from('b'))
    body.end()
    expect([body.isWhole, body.takeWhole().toString()]).toEqual([true, 'ab'])
  })

  it.each(['takeWhole', 'collect', 'stream'] as const)('that is borrowed survives its buffer: %s', async (how) => {
    for (const keptBefore of [true, false]) {
      const buffer = Buffer.from('borrowed')
      const body = new IncomingBody(buffer.subarray(0, 6), false, () => {}, true)
      const early = keptBefore ? null : body[how]()
      body.keep()
      buffer.fill('x')
      const read = await (early ?? body[how]())
      expect(read instanceof ReadableStream ? await text(read) : read.toString()).toBe('borrow')
    }
  })

  it('that is read at once needs no copy', () => {
    const buffer = Buffer.from('borrowed')
    const body = new IncomingBody(buffer, false, () => {}, true)
    expect(body.takeToRead().buffer).toBe(buffer.buffer)
    body.keep()
    expect(body.takeToRead()).toHaveLength(0)
  })

  it('collects what is there and what is yet to come, and grants what it took', async () => {
    const { body, grants } = make('one', true)
    const all = body.collect()
    expect(grants).toEqual([3])
    body.push(Buffer.from('three'))
    body.push(new Uint8Array(0))
    body.end()
    expect((await all).toString()).toBe('onethree')
    // Nobody sends after the end, so nothing more is granted.
    expect(grants).toEqual([3])
  })

  it('grants nothing before somebody reads', () => {
    const { body, grants } = make('a', true)
    body.stream()
    body.push(Buffer.from('b'))
    expect(grants).toEqual([])
  })

  it('streams parts that lie in the memory pool of small Buffers', async () => {
    const neighbour = Buffer.from('neighbour')
    const { body } = make('small', true)
    body.push(Buffer.from('er'))
    body.push(new Uint8Array(0))
    body.end()
    expect(await text(body.stream())).toBe('smaller')
    expect(neighbour.toString()).toBe('neighbour')
  })

  it('streams into the memory that a reader brings', async () => {
    const { body } = make('hello', false)
    const reader = body.stream().getReader({ mode: 'byob' })
    const taken: string[] = []
    for (let part = await reader.read(new Uint8Array(2)); !part.done; part = await reader.read(new Uint8Array(2))) {
      taken.push(Buffer.from(part.value).toString())
    }
    expect(taken).toEqual(['he', 'll', 'o'])
  })

  it('gives what had come, then the error, when the caller leaves', async () => {
    const { body } = make('a', true)
    const reader = body.stream().getReader()
    body.abort(new Error('left'))
    expect(Buffer.from((await reader.read()).value!).toString()).toBe('a')
    await expect(reader.read()).rejects.toThrow('left')
    await expect(make('a', false).body.collect()).resolves.toHaveLength(1)
  })

  it('rejects a reader that waits when the caller leaves', async () => {
    const { body } = make(null, true)
    const all = body.collect()
    body.abort(new Error('left'))
    await expect(all).rejects.toThrow('left')
  })

  it('drops the rest, and grants no more, once its stream is cancelled', async () => {
    const { body, grants } = make('a', true)
    await body.stream().cancel()
    body.push(Buffer.from('b'))
    body.end()
    expect([grants, body.takeWhole().length]).toEqual([[], 0])
  })
})
