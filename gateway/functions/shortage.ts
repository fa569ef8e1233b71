/** What fails because the machine is short of something for the moment: nobody's mistake, and worth another try. */

const SHORTAGES: ReadonlySet<string | undefined> = new Set(['ENOSPC', 'EDQUOT', 'EMFILE', 'ENFILE', 'ENOMEM'])

export function isShortage(error: unknown): boolean {
  return SHORTAGES.has((error as NodeJS.ErrnoException).code)
}
