/** The configuration is rewritten: valid, broken, valid again. A broken one changes nothing. */
import type { Disturbance, Scene } from '../disturbance.ts'

const SOURCE = `export default { fetch: (request, env) => new Response(env.EDITION + ' ' + request.headers.get('x-call')) }
`
const BROKEN = ['{ "functions": ', '{ "overrides": { "tuned": { "timeout": "soon" } } }', '', '[]', '\u0000\u0001']

export const configRewrites: Disturbance = {
  name: 'config-rewrites',
  does: 'the configuration is rewritten: valid, broken, valid again',
  functions: { 'tuned.js': SOURCE },
  settings: { tuned: { env: { EDITION: 'first' } } },
  lanes: [{ function: 'tuned', everyMs: 60 }],
  isAlone: true,
  async strike(scene, random) {
    const [one, other] = [`edition-${random.seed()}`, `edition-${random.seed()}`]
    await rewrite(scene, one)
    const told = scene.log.length
    scene.project.configure(random.pick(BROKEN))
    const isTold = (): boolean => scene.log.slice(told).some((line) => line.includes('running settings stay'))
    await scene.until('a broken configuration is told in the log', isTold)
    const isSame = (await edition(scene)) === one
    if (!isSame) throw new Error('a broken configuration changed a function')
    await rewrite(scene, other)
    return 'valid, broken, valid'
  },
}

async function rewrite(scene: Scene, name: string): Promise<void> {
  scene.project.configure(scene.project.configText({ tuned: { env: { EDITION: name } } }))
  await scene.until('a valid configuration is in force', async () => (await edition(scene)) === name)
}

async function edition(scene: Scene): Promise<string> {
  return (await scene.ask('/tuned')).body.split(' ')[0]!
}
