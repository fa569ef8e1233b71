/** Where cgroups are found and what is written into them, on machines that this one is not: in a folder that looks so. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { Cgroup } from '../../../warmpool/resources/cgroup.ts'
import { type Hierarchy, hierarchiesOf, withControllers } from '../../../warmpool/resources/cgroup-hierarchies.ts'

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
})

function makeFolder(files: Readonly<Record<string, string>> = {}): string {
  const folder = mkdtempSync(join(tmpdir(), 'cgroups-'))
  folders.push(folder)
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  return folder
}

const plain = (found: readonly Hierarchy[]): unknown =>
  found.map(({ version, folder, controllers }) => [version, folder, [...controllers]])

describe('the cgroups of this process are found', () => {
  test('under systemd with version 2 alone', () => {
    const mounts = '29 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate'
    const found = hierarchiesOf('0::/system.slice/gateway.service\n', mounts)
    expect(plain(found)).toEqual([[2, '/sys/fs/cgroup/system.slice/gateway.service', []]])
  })

  test('with both versions beside each other, and controllers that share a hierarchy', () => {
    const mounts = [
      '30 29 0:27 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw',
      '31 29 0:28 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd',
      '32 29 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct',
      '33 29 0:30 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory',
    ].join('\n')
    const own = '3:memory:/a:b\n2:cpu,cpuacct:/\n1:name=systemd:/\n0::/a\n'
    expect(plain(hierarchiesOf(own, mounts))).toEqual([
      [2, '/sys/fs/cgroup/unified/a', []],
      [1, '/sys/fs/cgroup/cpu,cpuacct', ['cpu']],
      [1, '/sys/fs/cgroup/memory/a:b', ['memory']],
    ])
  })

  test('in a container that sees only its own part', () => {
    const mounts = '41 40 0:30 /docker/1234 /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory'
    expect(plain(hierarchiesOf('3:memory:/docker/1234/sub\n', mounts))).toEqual([
      [1, '/sys/fs/cgroup/memory/sub', ['memory']],
    ])
  })

  test('and not where what is mounted does not hold them', () => {
    const mounts = '41 40 0:30 /docker/1234 /sys/fs/cgroup rw - cgroup2 cgroup rw'
    expect(hierarchiesOf('0::/../other\n', mounts)).toEqual([])
    expect(hierarchiesOf('0::/docker/12345\n', mounts)).toEqual([])
    expect(hierarchiesOf('', '')).toEqual([])
  })
})

describe('a hierarchy of version 2', () => {
  const own: Hierarchy = { version: 2, folder: '', controllers: new Set() }

  test('hands on what is offered, this process having moved one down', () => {
    const folder = makeFolder({
      'cgroup.controllers': 'cpuset cpu io memory pids\n',
      'cgroup.subtree_control': '',
      'cgroup.procs': '77\n',
    })
    withControllers({ ...own, folder }, 77)
    expect(readFileSync(join(folder, 'wrangler-free/cgroup.procs'), 'utf8')).toBe('77')
    expect(readFileSync(join(folder, 'cgroup.subtree_control'), 'utf8')).toBe('+memory +pids +cpu')
  })

  test('is taken as it is where everything is handed on already', () => {
    const folder = makeFolder({ 'cgroup.controllers': 'memory pids', 'cgroup.subtree_control': 'memory pids' })
    expect([...withControllers({ ...own, folder }, 77).controllers]).toEqual(['memory', 'pids'])
  })

  test('that others live in, too, is left alone', () => {
    const folder = makeFolder({
      'cgroup.controllers': 'memory',
      'cgroup.subtree_control': '',
      'cgroup.procs': '77\n78\n',
    })
    withControllers({ ...own, folder }, 77)
    expect(() => readFileSync(join(folder, 'wrangler-free/cgroup.procs'))).toThrow()
  })
})

describe('what is written of a limit', () => {
  async function files(version: 1 | 2, act: (cgroup: Cgroup) => void): Promise<Record<string, string>> {
    const folder = makeFolder()
    const controllers = new Set(['memory', 'pids', 'cpu'] as const)
    const cgroup = new Cgroup([{ version, folder, controllers }], 'one')
    await cgroup.enclose(77)
    act(cgroup)
    const read = (name: string): [string, string][] => {
      try {
        return [[name, readFileSync(join(folder, 'wrangler-free-one', name), 'utf8')]]
      } catch {
        return []
      }
    }
    return Object.fromEntries(
      [
        ...['memory.max', 'memory.swap.max', 'memory.oom.group', 'pids.max', 'cpu.weight', 'cpu.shares'],
        ...['memory.limit_in_bytes', 'memory.memsw.limit_in_bytes'],
      ].flatMap(read),
    )
  }

  function limit(cgroup: Cgroup): void {
    cgroup.limitMemory(1000)
    cgroup.limitProcesses(32)
    cgroup.weigh(50)
  }

  test('in version 2', async () => {
    expect(await files(2, limit)).toEqual({
      'memory.max': '1000',
      'memory.swap.max': '0',
      'memory.oom.group': '1',
      'pids.max': '32',
      'cpu.weight': '50',
    })
    expect(await files(2, (cgroup) => cgroup.limitProcesses(Number.POSITIVE_INFINITY))).toEqual({ 'pids.max': 'max' })
  })

  test('in version 1', async () => {
    expect(await files(1, limit)).toEqual({
      'memory.limit_in_bytes': '1000',
      'memory.memsw.limit_in_bytes': '1000',
      'pids.max': '32',
      'cpu.shares': '512',
    })
  })

  test('and what the kernel has done is read back', async () => {
    const folder = makeFolder()
    const cgroup = new Cgroup([{ version: 2, folder, controllers: new Set(['memory', 'pids'] as const) }], 'one')
    await cgroup.enclose(77)
    const own = join(folder, 'wrangler-free-one')
    expect([cgroup.hasRunOutOfMemory(), cgroup.hasRunOutOfProcesses()]).toEqual([false, false])
    writeFileSync(join(own, 'memory.events'), 'low 0\nhigh 0\nmax 12\noom 1\noom_kill 1\noom_group_kill 1\n')
    writeFileSync(join(own, 'pids.events'), 'max 3\n')
    writeFileSync(join(own, 'cgroup.procs'), '12\n13\n')
    expect([cgroup.hasRunOutOfMemory(), cgroup.hasRunOutOfProcesses()]).toEqual([true, true])
    expect(cgroup.members()).toEqual([12, 13])
  })

  test('everything in it is ended by one file where there is that file', async () => {
    const folder = makeFolder()
    const cgroup = new Cgroup([{ version: 2, folder, controllers: new Set() }], 'one')
    await cgroup.enclose(77)
    writeFileSync(join(folder, 'wrangler-free-one', 'cgroup.kill'), '')
    cgroup.kill()
    expect(readFileSync(join(folder, 'wrangler-free-one', 'cgroup.kill'), 'utf8')).toBe('1')
  })
})
