import { stripVTControlCharacters } from 'node:util'
import { describe, expect, it } from 'vitest'
import { renderStatus } from '../../../gateway/cli/status-table.ts'
import { SAMPLE_STATUS, sampleFunction, sampleStatus } from '../admin/sample-source.ts'

const plain = { width: Number.POSITIVE_INFINITY, color: false }

describe('the status table', () => {
  it('shows the gateway, a line per function by name, and what is wrong', () => {
    expect(renderStatus(SAMPLE_STATUS, plain)).toMatchInlineSnapshot(`
      "wrangler-free 1.2.3  serving  http://127.0.0.1:8787  up 3m 12s  pid 4711, Node 26.10.0
      pool: 5/64 workers  2 blanks  132 MiB of 4 GiB  1 request in flight

      function  version  runtime       workers         isolation    warm  blank  cold   calls  errors  p50 ms  p99 ms  queue  recycled
      broken          1  node          none            process         0      0     0       0       0       –       –      0  –
      hello           3  node 26.10.0  2 ready 1 busy  process    12,345      3     1  12,349       2    0.42    12.3      0  12 invocations, 1 crash

      ✗ broken  build-failed: Unexpected "}" (functions/broken.ts:7)"
    `)
  })

  it('says where functions go when there are none', () => {
    expect(renderStatus(sampleStatus([]), plain)).toContain('No functions in /srv/functions yet.')
  })

  it('says why the breaker of a function is open and when it is tried again', () => {
    const unavailable = { code: 'crash-loop', message: 'It crashed 5 times in a row', retryInMs: 12_000 }
    const text = renderStatus(sampleStatus([sampleFunction('flaky', { unavailable })]), plain)
    expect(text).toMatch(/✗ flaky {2}crash-loop: It crashed 5 times in a row \(next try in 12s\)$/)
  })

  it('tells an error once that the gateway and the pool both know', () => {
    const unavailable = { code: 'init-failed', message: 'boom', retryInMs: 1000 }
    const error = { code: 'init-failed', message: 'boom', file: 'a.ts', line: 1 }
    const text = renderStatus(sampleStatus([sampleFunction('a', { unavailable, error })]), plain)
    expect(text.match(/boom/g)).toHaveLength(1)
  })

  it('gives up its least useful columns to a narrow terminal, and never the name', () => {
    for (const width of [120, 100, 80, 60, 40]) {
      const table = renderStatus(SAMPLE_STATUS, { width, color: false }).split('\n\n')[1]!.split('\n')
      expect(table[0]).toMatch(/^function/)
      expect(Math.max(...table.map((line) => line.length))).toBeLessThanOrEqual(width)
    }
    const narrow = renderStatus(SAMPLE_STATUS, { width: 40, color: false })
    expect(narrow).toContain('errors')
    expect(narrow).not.toContain('recycled')
  })

  it('shows the version of the runtime that the workers say, both of two, and the name while there is none', () => {
    const worker = { pid: 1, state: 'ready', invocations: 0, inFlight: 0, ageMs: 0, rssBytes: 0, processes: 1 } as const
    const running = (name: string, ...said: string[]) =>
      sampleFunction(name, { runtime: 'bun', workers: said.map((runtime) => ({ ...worker, runtime })) })
    const functions = [
      running('a', 'bun 1.4.5', 'bun 1.4.5', ''),
      running('b', 'bun 1.4.5', 'bun 1.4.6'),
      running('c'),
      running('d', `bun\x1b[2J${'9'.repeat(100)}`),
    ]
    const lines = renderStatus(sampleStatus(functions), { width: 100, color: false }).split('\n')
    expect(lines.find((line) => line.startsWith('a '))).toMatch(/^a {2,}bun 1\.4\.5 {2,}/)
    expect(lines.find((line) => line.startsWith('b '))).toMatch(/^b {2,}bun 1\.4\.5, bun 1\.4\.6 {2,}/)
    expect(lines.find((line) => line.startsWith('c '))).toMatch(/^c {2,}bun {2,}none/)
    expect(lines.find((line) => line.startsWith('d '))).toMatch(/^d {2,}bun \[2J9{20}… {2,}/)
    expect(Math.max(...lines.slice(3).map((line) => line.length))).toBeLessThanOrEqual(100)
  })

  it('is the same text with colour as without', () => {
    const colored = renderStatus(SAMPLE_STATUS, { ...plain, color: true })
    expect(colored).not.toBe(renderStatus(SAMPLE_STATUS, plain))
    expect(stripVTControlCharacters(colored)).toBe(renderStatus(SAMPLE_STATUS, plain))
  })

  it('reads a limit that JSON could not carry as no limit', () => {
    const status = sampleStatus([])
    const unlimited = { ...status, pool: { ...status.pool, maxWorkers: Infinity, memoryLimitBytes: Infinity } }
    const text = renderStatus(JSON.parse(JSON.stringify(unlimited)), plain)
    expect(text).toContain('5/∞ workers')
    expect(text).toContain('132 MiB of no limit')
  })

  it('lets no function steer the terminal with its error message', () => {
    const error = { code: 'build-failed', message: 'a\x1b[2J\x9bb\nsecond line' }
    const text = renderStatus(sampleStatus([sampleFunction('evil', { error })]), plain)
    expect(text).toContain('build-failed: a [2J b')
    expect(text).not.toContain('second line')
  })

  it('shows a thousand functions in full', () => {
    const many = Array.from({ length: 1000 }, (_, index) => sampleFunction(`fn-${String(index).padStart(4, '0')}`))
    const text = renderStatus(sampleStatus(many.toReversed()), plain)
    expect(text.match(/^fn-\d{4} /gm)).toEqual(many.map(({ name }) => `${name} `))
  })
})

it('tells of a function what keeps it from others, and under the table what of that is missing and why', () => {
  const isolation = {
    profile: 'sandbox',
    network: 'all',
    inForce: ['privileges'],
    missing: [{ mechanism: 'namespaces', why: 'no bubblewrap' }],
  } as const
  const text = renderStatus(sampleStatus([sampleFunction('apart', { isolation }), sampleFunction('usual')]), plain)
  expect(text).toMatch(/^apart .* sandbox, 1 missing /m)
  expect(text).toMatch(/^usual .* process /m)
  expect(text).toContain('✗ apart  lacks a part of its isolation `sandbox`: namespaces (no bubblewrap)')
})
