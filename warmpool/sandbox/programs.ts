/**
 * Where programs are that a sandbox needs: found as the system would find them, and with the files that have to be there
 * for them to start.
 */
import { accessSync, constants, existsSync, realpathSync } from 'node:fs'
import { dirname, isAbsolute, join } from 'node:path'

/** Its path; null: there is none. */
export function findProgram(name: string): string | null {
  if (name.includes('/')) return isAbsolute(name) && isExecutable(name) ? name : null
  for (const folder of (process.env.PATH ?? '/usr/bin:/bin').split(':'))
    if (isAbsolute(folder) && isExecutable(join(folder, name))) return join(folder, name)
  return null
}

/** A runtime's: its file, the libraries beside its `bin`, and of its arguments those that are files. */
export function placesOf(file: string, args: readonly string[]): string[] {
  const named = args.filter((arg) => isAbsolute(arg) && existsSync(arg))
  const found = findProgram(file)
  if (found === null) return named
  return [...new Set([found, realpathSync(found)])].flatMap((path) => [path, ...besides(path)]).concat(named)
}

function besides(path: string): string[] {
  const folder = dirname(path)
  const above = dirname(folder)
  // Of managers of versions, whose shims look up what to start.
  if (folder.endsWith('/shims')) return [above]
  if (!folder.endsWith('/bin') || above === '/') return []
  // A virtual environment's interpreter looks for this.
  return [join(above, 'lib'), join(above, 'pyvenv.cfg')].filter((beside) => existsSync(beside))
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
