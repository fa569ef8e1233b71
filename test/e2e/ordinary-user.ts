/** An ordinary user as whom the superuser's tests start gateways, too; who is one already has nothing to change to. */
import { spawnSync } from 'node:child_process'

const NOBODY = 65_534

export const IS_SUPERUSER = process.getuid!() === 0

/** Null: there is none, or the repository lies in a folder that is closed to others, as `mktemp -d` makes them. */
export const ORDINARY_USER: number | null = IS_SUPERUSER && canRunNode() ? NOBODY : null

if (IS_SUPERUSER && ORDINARY_USER === null)
  console.warn(
    `SKIPPED  what an ordinary user starts: user ${NOBODY} cannot run ${process.execPath} (chmod o+x on its folders)`,
  )

function canRunNode(): boolean {
  return spawnSync(process.execPath, ['-v'], { uid: NOBODY, gid: NOBODY }).status === 0
}
