/** The seed's channels under the names that tables show, and what each can carry. */
export interface ChannelPeer {
  readonly name: string
  /** Below task-peers/. */
  readonly file: string
  readonly carriesBytes: boolean
}

export const OURS = 'ours'
export const BASE64_LINES = 'base64 lines over stdio'
/** Not a channel: what calling costs without one. */
export const IN_PROCESS = 'in-process'

export const CHANNELS: readonly ChannelPeer[] = [
  { name: IN_PROCESS, file: 'channels/in-process.ts', carriesBytes: true },
  { name: 'shared memory, to a thread', file: 'channels/shared-memory.ts', carriesBytes: true },
  { name: 'postMessage, to a thread', file: 'channels/thread.ts', carriesBytes: true },
  { name: 'lines over stdin and stdout', file: 'channels/stdio-lines.ts', carriesBytes: false },
  { name: BASE64_LINES, file: 'channels/base64-lines.ts', carriesBytes: true },
  { name: 'anonymous pipe', file: 'channels/pipe.ts', carriesBytes: true },
  { name: 'unix socket', file: 'channels/unix-socket.ts', carriesBytes: true },
  { name: "Node's IPC channel", file: 'channels/ipc.ts', carriesBytes: true },
  { name: OURS, file: 'pools/ours.ts', carriesBytes: true },
]

export const channelsInWords = [
  'All but the first three are to a process of its own. Node can share memory with a thread only.',
  'What is called in one turn goes out in one write on every channel. The pipe and the socket carry bytes behind their length.',
]
