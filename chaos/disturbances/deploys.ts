/** Functions come, change, break, are mended and go, one of them while it is being called all the time. */
import type { Disturbance, Scene } from '../disturbance.ts'

const BROKEN = 'export default (request) => {\n'
const source = (edition: string): string =>
  `export default (request) => new Response('${edition} ' + request.headers.get('x-call'))\n`

export const deploys: Disturbance = {
  name: 'deploys',
  does: 'functions are added, edited, broken, mended and removed',
  functions: { 'deployed.js': source('first') },
  lanes: [
    { function: 'deployed', everyMs: 50 },
    { function: 'deployed', everyMs: 50 },
  ],
  mayAnswer: { deployed: ['503 build-failed'] },
  isAlone: true,
  async strike(scene, random) {
    const name = `added-${random.seed()}`
    scene.project.write(`functions/${name}.js`, source(name))
    await edit(scene, `edition-${random.seed()}`)
    if (random.chance(0.5)) {
      scene.project.write('functions/deployed.js', BROKEN)
      await becomes(scene, '/deployed', '503 build-failed')
    }
    await edit(scene, `edition-${random.seed()}`)
    await becomes(scene, `/${name}`, '200')
    scene.project.remove(`functions/${name}.js`)
    await becomes(scene, `/${name}`, '404 not-found')
    return 'added, edited, broken, mended, removed'
  },
}

async function edit(scene: Scene, edition: string): Promise<void> {
  scene.project.write('functions/deployed.js', source(edition))
  await scene.until('an edited function answers as it was written last', async () =>
    (await scene.ask('/deployed')).body.startsWith(`${edition} `),
  )
}

function becomes(scene: Scene, path: string, outcome: string): Promise<void> {
  return scene.until(`${path} answers ${outcome}`, async () => (await scene.ask(path)).outcome === outcome)
}
