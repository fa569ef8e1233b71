/**
 * Which addresses a list of hosts lets through. A name is looked up by the gateway, so what the list says of names holds
 * for whatever addresses they have; but a name is no way to this machine itself: who wants that lists the address.
 */
import { BlockList, isIP } from 'node:net'
import type { FunctionSettings } from '../../warmpool/index.ts'
import type { Config } from '../config/index.ts'

/** `api.example.com`, `*.example.com`, an IP address (version 6 in brackets); each with `:443` for that port only. */
export const HOST_PATTERN = /^(?:(?:\*\.)?[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i

/** The hosts that a function may reach; null: it has no list. */
export function hostListOf({ isolation, network }: FunctionSettings): readonly string[] | null {
  return isolation === 'trusted' || typeof network === 'string' ? null : network
}

/** Some function may reach some hosts only. */
export function hasHostLists(config: Config): boolean {
  const settings = [config.defaults, ...config.overrideNames.map((name) => config.functionSettings(name))]
  return settings.some((one) => hostListOf(one) !== null)
}

export interface Destination {
  /** In lower case, version 6 without brackets. */
  readonly host: string
  readonly port: number
}

/** `host:port` as in CONNECT; null where it is none. */
export function parseDestination(authority: string): Destination | null {
  const [, bracketed, plain, digits] = /^(?:\[([0-9a-f:.]+)\]|([^:/?#@[\]\s]+)):(\d{1,5})$/i.exec(authority) ?? []
  const host = (bracketed ?? plain)?.toLowerCase().replace(/\.$/, '')
  const port = Number(digits)
  return host === undefined || host === '' || port < 1 || port > 65_535 ? null : { host, port }
}

export function isAllowed(hosts: readonly string[], { host, port }: Destination): boolean {
  return hosts.some((pattern) => {
    const [, name = '', digits] = /^(\[[^\]]*\]|[^:]*)(?::(\d+))?$/.exec(pattern)!
    if (digits !== undefined && Number(digits) !== port) return false
    const wanted = name.toLowerCase().replace(/^\[|\]$/g, '')
    return wanted.startsWith('*.') ? host.endsWith(wanted.slice(1)) && isIP(host) === 0 : host === wanted
  })
}

const OF_THIS_MACHINE = new BlockList()
OF_THIS_MACHINE.addSubnet('0.0.0.0', 8, 'ipv4')
OF_THIS_MACHINE.addSubnet('127.0.0.0', 8, 'ipv4')
OF_THIS_MACHINE.addSubnet('169.254.0.0', 16, 'ipv4')
OF_THIS_MACHINE.addAddress('::', 'ipv6')
OF_THIS_MACHINE.addAddress('::1', 'ipv6')
OF_THIS_MACHINE.addSubnet('fe80::', 10, 'ipv6')

/** Loopback, and what is only on this very link (where clouds keep what they tell their machines). */
export function isOfThisMachine(address: string): boolean {
  return OF_THIS_MACHINE.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
}
