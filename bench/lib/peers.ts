/** How the pools and channels under peers/ are started as subjects, and what they answer, in words. */
import { fileURLToPath } from 'node:url'
import type { CaseReport } from '../peers/host.ts'
import { readable } from './table.ts'

export const PEERS_FOLDER = new URL('../peers/', import.meta.url)

/** `file` below peers/; the rest goes to it as its arguments. */
export function peerCommand(file: string): string[] {
  return [process.execPath, inPeers('host.ts'), inPeers(file)]
}

export function inPeers(file: string): string {
  return fileURLToPath(new URL(file, PEERS_FOLDER))
}

export function showCalls({ callsPerSecond }: CaseReport): string {
  return `${readable(callsPerSecond)} calls/s`
}
