/**
 * Errors that nothing handled: rejections, and what timers and other callbacks throw. They end the process, as Node has
 * it, unless the function's format contains them: then the worker says whose they are, takes nothing new, finishes its
 * calls and is replaced. A listener of the function's own means that the function takes care of them.
 */
import { ProtocolError } from '../../wire/frames.ts'
import { isDeparture } from './departure.ts'

type OnUnhandled = (error: unknown) => void

let contain: OnUnhandled | null = null

/** To be called before any user code is loaded. */
export function watchUnhandled(): void {
  process.on('unhandledRejection', (reason) => {
    if (isDeparture(reason) || process.listenerCount('unhandledRejection') > 1) return
    if (contain === null) throw reason
    contain(reason)
  })
}

/** From now on errors that nothing handled end nothing here: they are handed on. */
export function containUnhandled(onUnhandled: OnUnhandled): void {
  contain = onUnhandled
  process.on('uncaughtException', (error) => {
    // The parent's mistake, and no code of the function's: who cannot understand it goes.
    if (error instanceof ProtocolError) {
      console.error(error)
      process.exit(1)
    }
    if (process.listenerCount('uncaughtException') === 1) onUnhandled(error)
  })
}
