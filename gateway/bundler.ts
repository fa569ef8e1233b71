/**
 * esbuild, with its process looked after. The library never replaces a process that has ended: every later call fails.
 * Here the first call that notices starts a new one, and each call that was lost is made once more. A second loss is
 * reported as {@link BundlerLost}, which is nobody's fault who wrote code.
 */
import * as esbuild from 'esbuild'

/** The bundler's process ended, twice in a row or without coming up. */
export class BundlerLost extends Error {
  override readonly name = 'BundlerLost'

  constructor(cause: unknown) {
    super(
      'The process of the bundler (esbuild) ended twice while it worked. Build again; see the memory of this machine.',
      {
        cause,
      },
    )
  }
}

const LOST = /^The service (?:was stopped|is no longer running)|write EPIPE|spawn .*(?:EAGAIN|ENOMEM|EMFILE)/
/** Counts the processes, so that of many calls that were lost with one process only the first starts another. */
let generation = 0

export const { version } = esbuild

export const build: typeof esbuild.build = (options) => again(() => esbuild.build(options)) as never

export const transform: typeof esbuild.transform = (input, options) =>
  again(() => esbuild.transform(input, options)) as never

export const formatMessages: typeof esbuild.formatMessages = (messages, options) =>
  again(() => esbuild.formatMessages(messages, options))

/** Ends the process. A later call starts it again. */
export async function stop(): Promise<void> {
  generation++
  await esbuild.stop()
}

async function again<T>(call: () => Promise<T>): Promise<T> {
  const before = generation
  try {
    return await call()
  } catch (error) {
    if (!isLost(error)) throw error
    if (generation === before) await stop()
    return call().catch((second: unknown) => {
      throw isLost(second) ? new BundlerLost(second) : second
    })
  }
}

/** A failed build carries the same text among its errors when the process ends amid a plugin. */
function isLost(error: unknown): boolean {
  const { message = '', errors = [] } = error as Partial<esbuild.BuildFailure>
  return LOST.test(message) || errors.some(({ text }) => LOST.test(text))
}
