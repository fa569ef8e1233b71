/**
 * A process that confines itself and then runs one module of our own; see warmpool/confined-run.ts. The module is loaded
 * before, since the files of this program are not readable afterwards.
 */
import type { Confined, RunAnswer, RunMessage } from '../../wire/messages.ts'
import { SYSTEM_DOOR } from '../../wire/variables.ts'
import { confineFor } from './confine/confine.ts'

type Work = (input: unknown) => Promise<unknown>

// Without its parent nobody waits for the result.
process.on('disconnect', () => process.exit(1))
process.once('message', (message: RunMessage) => {
  answer(message).then((done) => process.send!(done))
})

async function answer({ module, input, confinement }: RunMessage): Promise<RunAnswer> {
  let confined: Confined | null = null
  try {
    const { default: work } = (await import(module)) as { default: Work }
    const door = process.env[SYSTEM_DOOR] ?? null
    delete process.env[SYSTEM_DOOR]
    delete process.env.NODE_COMPILE_CACHE
    confined = confineFor({ confinement }, door).confined!
    return { output: await work(input), confined }
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error), confined }
  }
}
