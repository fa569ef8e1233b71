/** Where the process begins: the command line in, the exit code out. */
import { runCommandLine } from './program.ts'

// Whoever reads stdout may stop reading (`| head`): that is not an error, and nobody is left to print it for.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit()
})

process.exitCode = await runCommandLine(process.argv.slice(2))
