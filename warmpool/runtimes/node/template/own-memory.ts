/**
 * Memory that a fork would not have for itself alone. What its template has mapped as shared (the rings of its event loops) stays
 * shared across a fork, and any two siblings could write to each other there, and into what threads of the template hand to
 * the kernel. And the system shows as a process's environment what it was started with: that of a fork would bear its
 * template's name, and what it starts without another program too, so that nobody would end that with its worker.
 */
import { readFileSync } from 'node:fs'
import { TEMPLATE_VARIABLE, WORKER_VARIABLE } from '../../../wire/variables.ts'
import type { TemplateCalls } from './serve-forks.ts'

const PROT_READ_WRITE = 3
const MAP_PRIVATE_FIXED_ANONYMOUS = 0x32
/** Of /proc/self/stat, counted from behind the program's name. */
const ENVIRONMENT_START = 47

interface Range {
  readonly address: bigint
  readonly bytes: bigint
}

export interface TemplateMemory {
  readonly shared: readonly Range[]
  /** Where the system reads whose process this is. */
  readonly name: Range
}

/** To be asked in the template, once its loops are there. */
export function templateMemory(): TemplateMemory {
  return { shared: sharedRanges(readFileSync('/proc/self/maps', 'latin1')), name: nameRange() }
}

/**
 * Empty memory of its own takes the place of what is shared: libuv gives back where its loop was, and nothing else may
 * have come to lie there. To be called before there is a new loop, with nothing that still needs the old one.
 */
export function leaveSharedMemory(calls: TemplateCalls, { shared }: TemplateMemory): void {
  for (const { address, bytes } of shared)
    calls.mmap(address, bytes, PROT_READ_WRITE, MAP_PRIVATE_FIXED_ANONYMOUS, -1, 0n)
}

/** The C library must know the variable from elsewhere by now. False: it does not fit. */
export function showName(calls: TemplateCalls, { name }: TemplateMemory, own: string): boolean {
  const bytes = Buffer.alloc(Number(name.bytes))
  const text = `${WORKER_VARIABLE}=${own}\0`
  if (text.length > bytes.length) return false
  bytes.write(text, 'latin1')
  calls.memcpy(name.address, bytes, name.bytes)
  return true
}

function sharedRanges(maps: string): Range[] {
  return Array.from(maps.matchAll(/^([0-9a-f]+)-([0-9a-f]+) ...s /gm), ([, start, end]) => {
    const address = BigInt(`0x${start}`)
    return { address, bytes: BigInt(`0x${end}`) - address }
  })
}

/** The parent lets what only the template needs follow the name: room for those that are longer. */
function nameRange(): Range {
  const environment = readFileSync('/proc/self/environ', 'latin1')
  const found = new RegExp(`(?<=^|\\0)${WORKER_VARIABLE}=[^\\0]*\\0(?:${TEMPLATE_VARIABLE}=[^\\0]*\\0)?`).exec(
    environment,
  )
  if (found === null) throw new Error('A template needs a name')
  const stat = readFileSync('/proc/self/stat', 'latin1')
  const start = stat.slice(stat.lastIndexOf(') ') + 2).split(' ')[ENVIRONMENT_START]!
  return { address: BigInt(start) + BigInt(found.index), bytes: BigInt(found[0].length) }
}
