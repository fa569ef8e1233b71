/**
 * A program that serves HTTP, whatever it is written in: on the unix socket `$SOCKET`, or on `$PORT`. It is ready when
 * it accepts a connection, and gets every call as a request over connections that are kept.
 */
import { whenAccepted } from '../http-client/client.ts'
import { ForwardedCall, type Forwarding } from '../http-client/forwarded-call.ts'
import { chooseOwnPort } from '../programs/own-port.ts'
import { Program } from '../programs/program.ts'
import { makeSocketPath } from '../programs/socket-folder.ts'
import type { Format } from './format.ts'

export const httpFormat: Format = {
  name: 'http',
  concurrency: null,
  expects: 'a program that serves HTTP on $PORT, or on the unix socket $SOCKET',
  isMarked: () => false,
  async handler(_exports, load) {
    const path = makeSocketPath()
    const port = await chooseOwnPort()
    const program = await Program.start(load, { env: { PORT: String(port), SOCKET: path }, stdio: 'logged' })
    const addresses = [{ path }, { host: '127.0.0.1', port }, { host: '::1', port }]
    const client = await program.untilReady((signal) => whenAccepted(addresses, signal), {
      awaited: `listen on $PORT (${port}) or on the unix socket $SOCKET`,
      advice: 'Make it listen on the port in the environment variable PORT (or on the unix socket in SOCKET).',
    })
    const through: Forwarding = { client, program, calls: 0 }
    program.serve(() => through.calls > 0)
    return (call) => new ForwardedCall(call, through).start()
  },
}
