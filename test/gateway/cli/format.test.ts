import { describe, expect, it } from 'vitest'
import { formatBytes, formatDuration, formatMs } from '../../../gateway/cli/format.ts'
import { drawScreen } from '../../../gateway/cli/screen.ts'
import { describeServerTiming } from '../../../gateway/cli/server-timing.ts'

describe('how numbers are written', () => {
  it('writes sizes in the largest unit that they fill', () => {
    expect([0, 1023, 1536, 132 * 2 ** 20, 4 * 2 ** 30].map(formatBytes)).toEqual([
      '0 B',
      '1023 B',
      '1.5 KiB',
      '132 MiB',
      '4 GiB',
    ])
  })

  it('writes durations in their two largest units', () => {
    expect([0, 4000, 192_000, 3_600_000, 190_800_000].map(formatDuration)).toEqual([
      '0s',
      '4s',
      '3m 12s',
      '1h',
      '2d 5h',
    ])
  })

  it('writes milliseconds with the precision that matters', () => {
    expect([0.424, 3.14, 250.4].map(formatMs)).toEqual(['0.42', '3.1', '250'])
  })
})

describe('a Server-Timing header in words', () => {
  it('is names with durations, and descriptions instead of names', () => {
    expect(describeServerTiming('queue;dur=0.04, start;desc="warm", run;dur=2.1')).toBe('queue 0.0, warm, run 2.1')
    expect(describeServerTiming('start;desc=cold;dur=41.26')).toBe('cold 41.3')
  })

  it('is nothing when there is nothing to read', () => {
    expect(describeServerTiming(' , ;')).toBe('')
  })
})

describe('a screen drawn over the last one', () => {
  it('erases each line before it writes it, and what stands below at the end', () => {
    expect(drawScreen('one\ntwo', 10)).toBe('\x1b[H\x1b[Kone\n\x1b[Ktwo\n\x1b[J')
  })

  it('says how many lines found no room, and never scrolls', () => {
    expect(drawScreen('1\n2\n3\n4', 3)).toBe('\x1b[H\x1b[K1\n\x1b[K2\n\x1b[K… 2 more lines')
    expect(drawScreen('1\n2', 2)).toBe('\x1b[H\x1b[K1\n\x1b[K2')
  })
})
