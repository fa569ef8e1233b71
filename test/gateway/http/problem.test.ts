import { describe, expect, it } from 'vitest'
import { PROBLEMS, problem, renderProblem } from '../../../gateway/http/problem.ts'

describe('a problem document', () => {
  it('has its status, title and fault from its code', () => {
    expect(problem('queue-full', { detail: 'The queue holds 1000 already.' })).toMatchObject({
      status: 503,
      fault: 'platform',
      title: 'Too many requests are waiting',
    })
  })

  it('is written in a stable order, with the invocation last', () => {
    expect(renderProblem(problem('worker-died', { detail: 'It got SIGKILL.', invocation: 'i-1' }))).toBe(
      '{"type":"urn:wrangler-free:problem:worker-died","title":"The worker died while it ran the function",' +
        '"status":502,"detail":"It got SIGKILL.","code":"worker-died","fault":"function","invocation":"i-1"}',
    )
  })

  it('leaves the invocation out when there was none', () => {
    expect(renderProblem(problem('not-found', { detail: 'x' }))).not.toContain('invocation')
  })

  it('blames the caller for every 4xx and for nothing else', () => {
    for (const { status, fault } of Object.values(PROBLEMS)) expect(fault === 'caller').toBe(status < 500)
  })
})
