import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, test, vi } from 'vitest'
import { LogBudget, LogLines } from '../../warmpool/log-lines.ts'

const BURST_BYTES = 256 * 1024
const LONGEST = 8 * 1024

class Output {
  readonly stream = new PassThrough({ highWaterMark: 64 * 1024 * 1024 })
  readonly lines: string[] = []

  constructor() {
    new LogLines(this.stream, new LogBudget(BURST_BYTES), (line) => this.lines.push(line))
  }

  /** Each chunk arrives on its own. */
  async print(...chunks: (string | Uint8Array)[]): Promise<void> {
    for (const chunk of chunks) {
      this.stream.write(chunk)
      await turn()
    }
  }

  async end(): Promise<string[]> {
    this.stream.end()
    await once(this.stream, 'close')
    return this.lines
  }
}

describe('lines', () => {
  test('come out one by one, the last one too when its line break is missing', async () => {
    const output = new Output()
    await output.print('one\ntwo\n\nfour')
    expect(output.lines).toEqual(['one', 'two', ''])
    expect(await output.end()).toEqual(['one', 'two', '', 'four'])
  })

  test('end with nothing when the last line break was there', async () => {
    const output = new Output()
    await output.print('one\n')
    expect(await output.end()).toEqual(['one'])
  })

  test('come out whole although they arrive byte by byte, in characters of several bytes', async () => {
    const text = 'é€😀\nzweite Zeile: äöü\n'
    const output = new Output()
    await output.print(...Array.from(Buffer.from(text), (byte) => Buffer.of(byte)))
    expect(await output.end()).toEqual(['é€😀', 'zweite Zeile: äöü'])
  })

  test('that are not UTF-8 come out with marks in place of the wrong bytes', async () => {
    const output = new Output()
    await output.print(Buffer.from([0x61, 0xff, 0x62, 0x0a]), Buffer.from([0xe2, 0x82]))
    expect(await output.end()).toEqual(['a\ufffdb', '\ufffd'])
  })

  test('of a real process come out, its last words included', async () => {
    const script = `process.stdout.write('first\\nlast words'); process.exit(1)`
    const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
    const lines: string[] = []
    new LogLines(child.stdout, new LogBudget(BURST_BYTES), (line) => lines.push(line))
    await once(child, 'close')
    expect(lines).toEqual(['first', 'last words'])
  })

  test('are given up with the stream when it breaks, without an error for anybody', async () => {
    const output = new Output()
    await output.print('begun')
    await new Promise((resolve) => output.stream.once('close', resolve).destroy(new Error('gone')))
    expect(output.lines).toEqual(['begun'])
  })
})

describe('a very long line', () => {
  test.each([
    ['in one chunk', 'x'.repeat(100_000), 100_000],
    ['in many chunks', 'x'.repeat(1000), 100],
    ['one character over', 'x'.repeat(LONGEST + 1), LONGEST + 1],
  ])('%s is cut once, and the next line is whole', async (_name, piece, count) => {
    const output = new Output()
    await output.print('before\n', ...(count === 100 ? Array<string>(100).fill(piece) : [piece]), ' its end\nafter\n')
    const [before, cut, after, ...rest] = await output.end()
    expect([before, after, rest]).toEqual(['before', 'after', []])
    expect(cut).toBe(`${'x'.repeat(LONGEST)}… (line cut)`)
  })

  test('that is just short enough is left as it is', async () => {
    const output = new Output()
    await output.print('x'.repeat(LONGEST), '\n')
    expect(await output.end()).toEqual(['x'.repeat(LONGEST)])
  })

  test('that never ends is reported once, at its beginning', async () => {
    const output = new Output()
    await output.print(...Array<string>(20).fill('y'.repeat(9000)), 'end')
    expect(await output.end()).toEqual([`${'y'.repeat(LONGEST)}… (line cut)`])
  })
})

describe('a flood', () => {
  const LINE = `${'z'.repeat(1023)}\n`

  test('is counted instead of kept: what came out and what was dropped is all there was', async () => {
    const output = new Output()
    const chunk = LINE.repeat(32)
    await output.print(...Array<string>(200).fill(chunk))
    const lines = await output.end()
    const kept = lines.filter((line) => line === LINE.trimEnd()).length
    const dropped = lines.filter((line) => line !== LINE.trimEnd())
    expect(kept * LINE.length + droppedBytes(dropped)).toBe(200 * chunk.length)
    expect(kept * LINE.length).toBeGreaterThanOrEqual(BURST_BYTES - chunk.length)
    for (const line of dropped) expect(line).toMatch(/^… \(\d+ bytes of output dropped: more than 262144 a second\)$/)
  })

  test('that stops in a line swallows the rest of that line, and nothing of the next', async () => {
    const output = new Output()
    await nextSecond()
    await output.print(...Array<string>(10).fill('f'.repeat(64 * 1024)), Buffer.from('half a €').subarray(0, -1))
    await nextSecond()
    await output.print('rest of it\nnext\n')
    const lines = await output.end()
    expect(lines.at(-1)).toBe('next')
    expect(lines.filter((line) => /rest of it|\ufffd/.test(line))).toEqual([])
    expect(droppedBytes(lines)).toBeGreaterThan(0)
  })

  test('that stops at a line break lets the next line through, although the line before the flood was a cut one', async () => {
    const output = new Output()
    await nextSecond()
    await output.print('g'.repeat(200 * 1024), 'g'.repeat(100 * 1024), 'end\n')
    await nextSecond()
    await output.print('next\n')
    const lines = await output.end()
    expect(lines.at(-1)).toBe('next')
  })

  test('of one process is read to its end, so that it never blocks on its own output', async () => {
    const script = `
      const { writeSync } = require('node:fs')
      const line = 'n'.repeat(99) + '\\n'
      for (let at = 0; at < 5_000; at++) writeSync(1, line.repeat(10))`
    const child = spawn('/bin/sh', ['-c', `exec "$0" -e "$1"`, process.execPath, script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let keptBytes = 0
    const dropped: string[] = []
    new LogLines(child.stdout, new LogBudget(BURST_BYTES), (line) => {
      if (line.startsWith('…')) dropped.push(line)
      else keptBytes += line.length + 1
    })
    const [code] = await once(child, 'close')
    expect(code).toBe(0)
    // A flood that stops in a line loses the rest of it uncounted, once a second.
    const lostBytes = 5_000_000 - keptBytes - droppedBytes(dropped)
    expect(lostBytes).toBeGreaterThanOrEqual(0)
    expect(lostBytes).toBeLessThanOrEqual(100 * dropped.length)
  })
})

function droppedBytes(lines: readonly string[]): number {
  return lines.reduce((sum, line) => sum + Number(/^… \((\d+) bytes/.exec(line)?.[1] ?? 0), 0)
}

/** Waits until the second in which output is counted is over. */
async function nextSecond(): Promise<void> {
  const second = Math.floor(performance.now() / 1000)
  await vi.waitUntil(() => Math.floor(performance.now() / 1000) > second, { timeout: 10_000, interval: 5 })
}

test('lines of nothing count as lines: of a quarter of a million in a second some thousands are kept', async () => {
  const output = new Output()
  await output.print('\n'.repeat(200_000))
  const lines = await output.end()
  expect(lines.length).toBeLessThanOrEqual(BURST_BYTES / 128 + 1)
  expect(lines.length).toBeGreaterThan(2_000)
  expect(lines.at(-1)).toContain('bytes of output dropped')
})
