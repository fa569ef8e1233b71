/** The seed's blob test: a mebibyte in, 512 bytes out, one at a time, over every channel that carries bytes. */
import { contest } from '../lib/contest.ts'
import { medianOf } from '../lib/interleave.ts'
import { MiB } from '../lib/memory.ts'
import { pinningInWords } from '../lib/pinning.ts'
import type { Suite } from '../lib/suite.ts'
import { peerCommand, showCalls } from '../lib/task-peers.ts'
import { atLeast } from '../lib/verdict.ts'
import { BASE64_LINES, CHANNELS, channelsInWords, IN_PROCESS, OURS } from '../task-peers/channels/index.ts'
import type { Case, CaseReport } from '../task-peers/host.ts'
import { TAIL_BYTES } from '../task-peers/tasks/tasks.ts'

export const blob: Suite = {
  name: 'blob',
  question: `How many calls a second with 1 MiB in and ${TAIL_BYTES} B out does each channel take, one at a time?`,
  async run(options, progress) {
    const rounds = options.rounds ?? (options.quick ? 2 : 5)
    const forMs = options.quick ? 300 : 1_000
    const order: Case = {
      task: 'tail',
      bytes: MiB,
      inFlight: 1,
      workers: 1,
      calls: Number.MAX_SAFE_INTEGER,
      forMs,
    }
    const entrants = CHANNELS.filter(({ carriesBytes }) => carriesBytes).map(({ name, file }) => ({
      name,
      command: peerCommand(file),
      orders: { blob: order },
    }))
    const outcome = await contest<'blob', CaseReport>(['blob'], entrants, { rounds, progress, show: showCalls })
    return {
      conditions: [
        pinningInWords,
        `${rounds} interleaved rounds of ${forMs / 1000} s. The answer is the end of the input.`,
        ...channelsInWords,
        ...outcome.skipped,
      ],
      table: {
        head: ['', 'calls/s', 'p50 ms', '÷ base64 lines'],
        rows: CHANNELS.map(({ name }) => [
          name,
          outcome.median(name, 'blob', 'callsPerSecond'),
          outcome.median(name, 'blob', 'p50Ms'),
          outcome.ratio(name, BASE64_LINES, 'blob', 'callsPerSecond'),
        ]),
      },
      drawing: {
        title: `1 MiB in, ${TAIL_BYTES} B out: calls per second (median)`,
        unit: '/s',
        bars: outcome.raw.blob
          .filter(({ name }) => name !== IN_PROCESS)
          .map((standing) => ({ label: standing.name, value: medianOf(standing, 'callsPerSecond') })),
      },
      findings: [
        atLeast(6, {
          measure: `1 MiB in, ${TAIL_BYTES} B out: ours ÷ base64 lines over stdio`,
          value: outcome.ratio(OURS, BASE64_LINES, 'blob', 'callsPerSecond'),
        }),
      ],
      raw: outcome.raw,
    }
  },
}
