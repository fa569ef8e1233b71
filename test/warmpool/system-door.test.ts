/** The native module that workers confine themselves with: its bytes, and what it does once it is loaded. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { cachedDoor, writeDoor } from '../../warmpool/system-door/file.ts'
import { doorLibrary } from '../../warmpool/system-door/library.ts'
import { machineCode } from '../../warmpool/system-door/machine-code.ts'
import { processorOf } from '../../warmpool/wire/system-calls.ts'

const folder = mkdtempSync(join(tmpdir(), 'system-door-'))
afterAll(() => rmSync(folder, { recursive: true }))

const TOOLS = { x64: 'x86_64-linux-gnu-', arm64: 'aarch64-linux-gnu-' } as const

describe.each(['x64', 'arm64'] as const)('the machine code for %s', (processor) => {
  const tool = (name: string, ...args: string[]) => spawnSync(`${TOOLS[processor]}${name}`, args).status

  it.skipIf(tool('as', '--version') !== 0)('is what its assembly says', () => {
    const source = fileURLToPath(new URL(`../../warmpool/system-door/${processor}.s`, import.meta.url))
    const [object, binary] = [join(folder, `${processor}.o`), join(folder, `${processor}.bin`)]
    expect(tool('as', source, '-o', object)).toBe(0)
    expect(tool('objcopy', '-O', 'binary', '-j', '.text', object, binary)).toBe(0)
    expect(machineCode(processor)!.toString('hex')).toBe(readFileSync(binary, 'hex'))
  })
})

describe.runIf(process.platform === 'linux' && processorOf(process.arch) !== null)('the system door', () => {
  it('makes system calls, and tells errors from results', () => {
    const file = join(folder, 'door.node')
    expect(writeDoor(file, process.arch)).toBe(true)
    const module: { exports: unknown } = { exports: {} }
    process.dlopen(module, file)
    const words = new BigInt64Array(1024)
    const call = (...values: (number | bigint)[]): number => {
      words.set([...values, 0, 0, 0, 0].slice(0, 6).map(BigInt))
      ;(module.exports as (memory: ArrayBuffer) => void)(words.buffer)
      return Number(words[6])
    }
    const { close, prctl } = processorOf(process.arch)!.numbers
    expect(call(close!, 1_000_000)).toBe(-9)
    // PR_GET_NAME into the memory, whose address a call tells.
    const at = words[7]! + 4096n
    expect(call(prctl!, 16, at)).toBe(0)
    const name = Buffer.from(words.buffer, 4096, 16)
    expect(`${name.toString('latin1', 0, name.indexOf(0))}\n`).toBe(readFileSync('/proc/thread-self/comm', 'latin1'))
  })

  it('is one file for all that have the same, and none where there is no folder or no code', () => {
    const file = cachedDoor(folder, process.arch)!
    expect(cachedDoor(folder, process.arch)).toBe(file)
    expect(readFileSync(file).equals(doorLibrary(process.arch)!)).toBe(true)
    expect(cachedDoor(null, process.arch)).toBeNull()
    expect(cachedDoor(folder, 'mips')).toBeNull()
  })
})
