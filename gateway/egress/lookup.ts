/** Names as the egress proxy looks them up: an address of this machine is none that a name may lead to. */
import { type LookupAddress, lookup } from 'node:dns'
import type { LookupFunction } from 'node:net'
import { isOfThisMachine } from './allowed-hosts.ts'

type Answer = (error: NodeJS.ErrnoException | null, address: string | LookupAddress[], family?: number) => void

/** `host`: as it is listed; of `localhost` this machine is what is meant. */
export function lookupOutside(host: string): LookupFunction {
  return (name, options, answer: Answer) => {
    lookup(name, { ...options, all: true }, (error, addresses = []) => {
      if (error !== null) return answer(error, [])
      const outside = host === 'localhost' ? addresses : addresses.filter(({ address }) => !isOfThisMachine(address))
      const [first] = outside
      if (first === undefined)
        return answer(new Error('its name leads to this machine: list the address to allow that'), [])
      if (options.all === true) answer(null, outside)
      else answer(null, first.address, first.family)
    })
  }
}
