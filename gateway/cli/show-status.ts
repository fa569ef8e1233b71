/** What `wrangler-free status` does: fetch, render, print; once, or each second until it is told to stop. */
import { setTimeout as sleep } from 'node:timers/promises'
import pc from 'picocolors'
import { type AdminAddress, fetchStatus } from './admin-client.ts'
import { CommandError, EXIT } from './exit-codes.ts'
import { drawScreen, enterScreen, leaveScreen } from './screen.ts'
import { renderStatus, type StatusLook } from './status-table.ts'

export type StatusForm = 'table' | 'json'

const WATCH_INTERVAL_MS = 1000

/** Prints the status once. Throws what {@link fetchStatus} throws. */
export async function showStatus(address: AdminAddress, form: StatusForm): Promise<void> {
  const status = await fetchStatus(address)
  console.log(form === 'json' ? JSON.stringify(status, null, 2) : renderStatus(status, look()))
}

/**
 * Prints the status each second until SIGINT or SIGTERM ends the process (exit code 0): on a terminal on a screen of
 * its own, elsewhere one after the other. The first look may fail; later ones say that nothing answers and go on,
 * because a gateway that restarts comes back.
 */
export async function watchStatus(address: AdminAddress, form: StatusForm): Promise<never> {
  const output = process.stdout.isTTY && form === 'table' ? screenOutput() : lineOutput()
  const stop = () => {
    output.close()
    process.exit(EXIT.ok)
  }
  process.once('SIGINT', stop).once('SIGTERM', stop)
  let text = await textOf(address, form)
  try {
    for (;;) {
      output.show(text)
      await sleep(WATCH_INTERVAL_MS)
      text = await textOf(address, form).catch((error: unknown) => {
        if (!(error instanceof CommandError) || error.exitCode !== EXIT.unavailable) throw error
        output.complain(error.message)
        return ''
      })
    }
  } finally {
    output.close()
  }
}

interface WatchOutput {
  show(text: string): void
  complain(message: string): void
  close(): void
}

function screenOutput(): WatchOutput {
  const { stdout } = process
  let isOpen = false
  const draw = (text: string) => {
    if (text === '') return
    stdout.write(`${isOpen ? '' : enterScreen()}${drawScreen(text, stdout.rows)}`)
    isOpen = true
  }
  return {
    show: draw,
    complain: draw,
    close() {
      if (isOpen) stdout.write(leaveScreen())
      isOpen = false
    },
  }
}

/** For pipes and files: what a program reads on stdout stays clean of complaints. */
function lineOutput(): WatchOutput {
  return {
    show: (text) => void (text !== '' && console.log(text)),
    complain: (message) => console.error(message),
    close() {},
  }
}

async function textOf(address: AdminAddress, form: StatusForm): Promise<string> {
  const status = await fetchStatus(address)
  if (form === 'json') return JSON.stringify(status)
  const text = renderStatus(status, look())
  return process.stdout.isTTY ? text : `${text}\n`
}

/** A pipe has no width, and wants colour only when asked: FORCE_COLOR. */
function look(): StatusLook {
  const color = pc.isColorSupported && (process.stdout.isTTY || Boolean(process.env.FORCE_COLOR))
  return { width: process.stdout.isTTY ? process.stdout.columns : Number.POSITIVE_INFINITY, color }
}
