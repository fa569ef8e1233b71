import type { OpenPeer } from '../peer.ts'
import { spawnWorker, streamPeer } from './stream-channel.ts'

export const open: OpenPeer = ({ task }) => {
  const child = spawnWorker(task, 'lines', 'stdio')
  return streamPeer(child, 'lines', child.stdin!, child.stdout!)
}
