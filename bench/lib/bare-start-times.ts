/** How long one bare start of Node with an empty script takes here and now, several times over: what to read other times by. */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pinServer } from './pinning.ts'

/** `folder`: where the empty script is put. */
export function bareStartTimes(folder: string, count: number): number[] {
  const empty = join(folder, 'empty.mjs')
  writeFileSync(empty, '')
  const [file, ...args] = [...pinServer, process.execPath, empty]
  return Array.from({ length: count }, () => {
    const startedAtMs = performance.now()
    execFileSync(file!, args)
    return performance.now() - startedAtMs
  })
}
