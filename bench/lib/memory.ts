/** Memory of one process, from /proc. All zero when it is gone. */
import { readOrNull } from './processes.ts'

export interface Memory {
  /** Resident, shared pages counted in full. */
  readonly rssBytes: number
  /** Resident, each shared page divided among those who share it: these may be added up. */
  readonly pssBytes: number
  /** What would be free if it ended. */
  readonly privateBytes: number
}

export const MiB = 1024 * 1024

/** Exact, and costs the kernel a walk over all its pages: not for sampling. */
export function readMemory(pid: number): Memory {
  const rollup = readOrNull(`/proc/${pid}/smaps_rollup`) ?? ''
  const bytes = (key: string): number => Number(rollup.match(new RegExp(`^${key}:\\s+(\\d+) kB`, 'm'))?.[1] ?? 0) * 1024
  return {
    rssBytes: bytes('Rss'),
    pssBytes: bytes('Pss'),
    privateBytes: bytes('Private_Clean') + bytes('Private_Dirty'),
  }
}

/** Only the resident size, cheap enough to be asked many times a second. */
export function readRssBytes(pid: number): number {
  const kilobytes = readOrNull(`/proc/${pid}/status`)?.match(/^VmRSS:\s+(\d+) kB/m)?.[1]
  return Number(kilobytes ?? 0) * 1024
}

export interface RssSampler {
  readonly samples: readonly number[]
  stop(): void
}

export function sampleRss(pid: number, everyMs: number): RssSampler {
  const samples: number[] = [readRssBytes(pid)]
  const timer = setInterval(() => samples.push(readRssBytes(pid)), everyMs)
  return { samples, stop: () => clearInterval(timer) }
}
