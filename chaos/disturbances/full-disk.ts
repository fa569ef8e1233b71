/** No space left where the gateway keeps its state, while a function's source changes; then there is space again. */
import { closeSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { Disturbance, Scene } from '../disturbance.ts'
import { canMountSmall } from '../lib/project.ts'

const BLOCK = Buffer.alloc(1024 * 1024, 'x')
const source = (edition: number): string =>
  `// ${edition} ${'.'.repeat(50_000)}\nexport default (request) => new Response('${edition} ' + request.headers.get('x-call'))\n`

export const fullDisk: Disturbance = {
  name: 'full-disk',
  does: 'no space left in the state folder while a function is deployed, and space again',
  functions: { 'stored.js': source(0) },
  lanes: [{ function: 'stored', everyMs: 60 }],
  mayAnswer: { stored: ['503 not-stored'] },
  isAlone: true,
  missing: () => (canMountSmall() ? null : 'a small file system cannot be mounted here (root can)'),
  async strike(scene, random) {
    const smallState = scene.project.smallState!
    const filler = join(smallState, 'filler')
    fill(filler)
    const freeBytes = statfsSync(smallState).bavail * statfsSync(smallState).bsize
    const edition = random.seed()
    scene.project.write('functions/stored.js', source(edition))
    let during = ''
    await scene.until('a change that cannot be stored is noticed', async () => {
      during = (await answer(scene)).outcome
      return during !== '200'
    })
    rmSync(filler)
    // Nobody has to change it again.
    const isServed = async (): Promise<boolean> => (await answer(scene)).body.startsWith(`${edition} `)
    await scene.until('the change is served once there is space again', isServed)
    return `left ${freeBytes} bytes: ${during}, and 200 with space again`
  },
}

function answer(scene: Scene) {
  return scene.ask('/stored')
}

function fill(path: string): void {
  const file = openSync(path, 'w')
  for (let bytes = BLOCK.length; bytes > 0; )
    try {
      writeSync(file, BLOCK, 0, bytes)
    } catch {
      // Then with smaller ones, to the last byte.
      bytes >>= 1
    }
  closeSync(file)
}
