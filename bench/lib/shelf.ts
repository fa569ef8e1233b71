/** The shelf of blanks, waited for from outside: what is measured next must not share the machine with boots. */
import type { Gateway } from './gateway.ts'

/** Resolves when that many blanks are ready and no process is booting any more. */
export async function shelfIsFull(gateway: Gateway, blanks: number): Promise<void> {
  await gateway.until('all blanks are ready', ({ pool }) => pool.blanks === blanks && pool.starting === 0)
}
