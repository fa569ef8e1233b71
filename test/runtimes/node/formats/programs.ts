/** Folders of programs for the tests of the formats that are programs. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { onTestFinished } from 'vitest'
import { CalledFunction } from './called.ts'

export type ProgramFiles = Readonly<Record<string, string>>

/** A program in a real worker. Files whose text begins with `#!` are executable. */
export function programOf(
  format: string,
  files: ProgramFiles,
  command: readonly string[] | null,
  env: Readonly<Record<string, string>> = {},
): CalledFunction {
  const folder = mkdtempSync(join(tmpdir(), 'program-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(folder, name), text)
    if (text.startsWith('#!')) chmodSync(join(folder, name), 0o755)
  }
  return new CalledFunction(pathToFileURL(folder).href, { format, command, env })
}
