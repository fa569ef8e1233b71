/**
 * Why the system did not start a program, in words for its author. The system's own code is the same for a missing
 * program, a missing interpreter of a script and a missing folder: so it is looked at which of them it was.
 */
import { accessSync, constants, existsSync, readFileSync, statSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'

const MOST_SHEBANG_CHARS = 200

export function explainStartFailure(error: NodeJS.ErrnoException, file: string, cwd: string): string {
  const cannot = `The program "${file}" cannot be started`
  if (!existsSync(cwd)) return `${cannot}: its folder ${cwd} does not exist`
  // A name without a slash is looked for on PATH, anything else from the function's folder.
  if (!file.includes('/')) {
    if (existsSync(join(cwd, file)))
      return `${cannot}: there is none on PATH. The one in the function's folder is named "./${file}" in "command"`
    return error.code === 'ENOENT'
      ? `${cannot}: there is none on PATH. Install it, or correct "command" in function.json`
      : `${cannot}: ${error.message}`
  }
  const path = isAbsolute(file) ? file : join(cwd, file)
  if (!existsSync(path))
    return `${cannot}: the file does not exist in the function's folder. Add it, or correct "command" in function.json`
  if (statSync(path).isDirectory()) return `${cannot}: it is a folder`
  if (!isExecutable(path)) return `${cannot}: the file is not executable. Make it so: chmod +x ${file}`
  const interpreter = shebangOf(path)
  if (interpreter === null) return `${cannot}: ${error.message}`
  if (interpreter.endsWith('\r'))
    return `${cannot}: its first line "#!${interpreter.trim()}" ends with a carriage return, which the system takes for a part of the interpreter's name. Save the file with Unix line ends`
  return `${cannot}: the interpreter in its first line, "#!${interpreter}", cannot be run (${error.code})`
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** What stands behind `#!`; null where there is none. */
function shebangOf(path: string): string | null {
  const first = readFileSync(path, 'latin1').slice(0, MOST_SHEBANG_CHARS).split('\n')[0]!
  return first.startsWith('#!') ? first.slice(2) : null
}
