/** What the parent asks of a worker and believes of it, as data. */
import { describe, expect, it } from 'vitest'
import { confinementOf, explained, sameIsolation, withheld } from '../../warmpool/confinement.ts'
import { DEFAULT_FUNCTION_SETTINGS } from '../../warmpool/settings.ts'

const settings = { ...DEFAULT_FUNCTION_SETTINGS, isolationMissing: 'refuse' } as const
const wanted = confinementOf(settings, ['/own'], '/private', null)!
const ALL = ['privileges', 'files', 'signals', 'system-calls'] as const

describe('a confinement', () => {
  it('is asked of what is not trusted, with its own paths and the operator’s', () => {
    expect(confinementOf({ ...settings, isolation: 'trusted' }, [], '/private', null)).toBeNull()
    const more = confinementOf({ ...settings, readable: ['/data'], writable: ['/out'] }, ['/own'], '/private', null)!
    expect(more.read).toEqual(expect.arrayContaining(['/usr', '/own', '/data']))
    expect(more.write).toEqual(expect.arrayContaining(['/private', '/dev/null', '/out']))
    expect([...more.read, ...more.write]).not.toContain('/etc')
  })

  it('is not believed to be there when the worker does not say so', () => {
    expect(withheld(wanted, { inForce: ALL, missing: [] })).toBeNull()
    expect(withheld(wanted, { inForce: ALL.slice(1), missing: [] })).toContain('without privileges')
    expect(withheld(wanted, undefined)).toContain('without privileges, files, signals, system-calls')
    expect(withheld({ ...wanted, isDemanded: false }, undefined)).toBeNull()
    expect(withheld(null, undefined)).toBeNull()
  })

  it('that cannot be had is told with whose fault it is and the way out', () => {
    const report = explained({ name: 'IsolationMissing', message: 'files: no Landlock', stack: '' })
    expect(report.message).toContain('files: no Landlock')
    expect(report.message).toContain('wrangler-free doctor')
    const other = { name: 'Error', message: 'files', stack: '' }
    expect(explained(other)).toBe(other)
  })

  it('that differs is a new start for workers', () => {
    expect(sameIsolation(settings, { ...settings, maxWorkers: 3 })).toBe(true)
    expect(sameIsolation(settings, { ...settings, network: 'none' })).toBe(false)
    expect(sameIsolation(settings, { ...settings, writable: ['/x'] })).toBe(false)
  })
})
