/** What the parent asks of a worker and believes of it, as data. */
import { describe, expect, it } from 'vitest'
import {
  allInForce,
  confinementOf,
  explained,
  sameIsolation,
  withheld,
  withoutSandbox,
} from '../../warmpool/confinement.ts'
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

  it('of a sandbox is asked of the worker but for what was given to it, and its network is its own', () => {
    const given = ['files', 'signals', 'abstract-sockets'] as const
    const sandboxed = { user: 7, folder: null, host: '/.host', given, shown: [], filterFile: null }
    const within = confinementOf({ ...settings, network: 'none' }, ['/usr/own'], '/', null, sandboxed)!
    expect(within).toMatchObject({ network: 'all', sandbox: { host: '/.host', user: 7, given } })
    const said = {
      inForce: ['namespaces', 'privileges', 'system-calls'],
      missing: [{ mechanism: 'files', why: 'x' }],
    } as const
    const all = allInForce(within, said)!
    expect(all.missing).toEqual([])
    expect(withheld(within, all)).toBeNull()
    expect(withheld(within, allInForce(within, { ...said, inForce: ['privileges', 'system-calls'] }))).toContain(
      'without namespaces',
    )
  })

  it('of a sandbox with the network lacks what only Landlock gives, and nothing is withheld for that', () => {
    const given = ['namespaces', 'privileges', 'system-calls', 'files', 'signals'] as const
    const within = confinementOf(settings, [], '/', null, {
      user: null,
      folder: '/',
      host: null,
      given,
      shown: [],
      filterFile: null,
    })!
    const all = allInForce(within, undefined)!
    expect(all.missing).toEqual([{ mechanism: 'abstract-sockets', why: 'its runtime does not use Landlock' }])
    expect(withheld(within, all)).toBeNull()
    expect(allInForce(within, { inForce: ['signals'], missing: [] })!.missing).toEqual([])
  })

  it('that is a sandbox in name only says so', () => {
    const { missing, inForce } = withoutSandbox({ inForce: ['files'], missing: [] }, 'no bubblewrap')
    expect({ missing, inForce }).toEqual({
      missing: [{ mechanism: 'namespaces', why: 'no bubblewrap' }],
      inForce: ['files'],
    })
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
