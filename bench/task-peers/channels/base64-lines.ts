import type { OpenPeer } from '../peer.ts'
import { spawnWorker, streamPeer } from './stream-channel.ts'

export const open: OpenPeer = ({ task }) => {
  const child = spawnWorker(task, 'base64', 'stdio')
  return streamPeer(child, 'base64', child.stdin!, child.stdout!)
}
