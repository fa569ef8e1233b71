/** Holds the socket that it inherits as descriptor 3, and nothing else: the least that a worker is. */
const socket = { data() {}, open: (channel) => channel.write('ready'), close: () => process.exit() }
await Bun.connect({ fd: 3, socket })
