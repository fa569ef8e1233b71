/**
 * The gateway's log: structured (pino), as JSON lines for machines or as calm lines for a person at a terminal. It
 * goes to stderr, so that stdout stays free for what a command prints.
 */
import { Writable } from 'node:stream'
import pc from 'picocolors'
import { destination, type Logger, pino } from 'pino'
import type { Config } from './config/index.ts'

export type { Logger }

/** What belongs to a line's machinery and not to its message. */
const MACHINERY = new Set(['level', 'time', 'msg', 'frame', 'stack', 'function'])

export function createLog({ level, format }: Config['log']): Logger {
  const isPretty = format === 'pretty' || (format === 'auto' && process.stderr.isTTY === true)
  const options = { level, base: undefined, timestamp: pino.stdTimeFunctions.isoTime }
  return isPretty ? pino(options, prettyStream()) : pino(options, destination({ dest: 2, sync: true }))
}

function prettyStream(): Writable {
  return new Writable({
    write(line: Buffer, _encoding, done) {
      process.stderr.write(`${prettyLine(JSON.parse(String(line)) as Record<string, unknown>)}\n`)
      done()
    },
  })
}

/** `12:30:01 warn hello  what happened  key=value`, with a code frame or a stack below. */
export function prettyLine(entry: Readonly<Record<string, unknown>>): string {
  const time = pc.dim(String(entry.time).slice(11, 19))
  const fields = Object.entries(entry).filter(([key]) => !MACHINERY.has(key))
  const details = fields.map(([key, value]) =>
    pc.dim(`${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`),
  )
  const name = entry.function === undefined ? [] : [pc.cyan(String(entry.function))]
  const first = [time, levelWord(Number(entry.level)), ...name, String(entry.msg ?? ''), ...details].join(' ')
  const below = [entry.frame, entry.stack].filter((text) => typeof text === 'string' && text !== '')
  return [first, ...below.map((text) => String(text).replace(/^/gm, '    '))].join('\n')
}

function levelWord(level: number): string {
  if (level >= 50) return pc.red('error')
  if (level >= 40) return pc.yellow('warn')
  return level >= 30 ? pc.green('info') : pc.dim('debug')
}
