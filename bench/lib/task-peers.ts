/** How the pools and channels under task-peers/ are started as subjects, and what they answer, in words. */
import { fileURLToPath } from 'node:url'
import type { CaseReport } from '../task-peers/host.ts'
import { readable } from './table.ts'

const FOLDER = new URL('../task-peers/', import.meta.url)

/** `file` below task-peers/; the rest goes to it as its arguments. */
export function peerCommand(file: string): string[] {
  return [process.execPath, inTaskPeers('host.ts'), inTaskPeers(file)]
}

export function inTaskPeers(file: string): string {
  return fileURLToPath(new URL(file, FOLDER))
}

export function showCalls({ callsPerSecond }: CaseReport): string {
  return `${readable(callsPerSecond)} calls/s`
}
