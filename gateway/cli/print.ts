/** Writes to stdout for whoever reads it: in colour on a terminal, and as plain text in a pipe or a file, CI included. */
import { stdout } from 'node:process'
import { stripVTControlCharacters } from 'node:util'

export function print(text: string): void {
  stdout.write(stdout.isTTY ? text : stripVTControlCharacters(text))
}
