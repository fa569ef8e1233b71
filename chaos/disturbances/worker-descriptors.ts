/** A worker that opens files until it cannot open any more, and keeps them for a while or for good. */
import type { Disturbance } from '../disturbance.ts'

const SOURCE = `import { closeSync, openSync } from 'node:fs'
const MOST = 5_000
export default async (request) => {
  if (!request.url.endsWith('?open')) return new Response('open ' + request.headers.get('x-call'))
  const files = []
  let why = 'no bound'
  try {
    while (files.length < MOST) files.push(openSync('/dev/null'))
  } catch (error) {
    why = error.code
  }
  await new Promise((resolve) => setTimeout(resolve, 500))
  for (const file of files) closeSync(file)
  return new Response(files.length + ' ' + why)
}
`

export const workerDescriptors: Disturbance = {
  name: 'worker-descriptors',
  does: 'a worker without a descriptor left goes on answering',
  functions: { 'opener.js': SOURCE },
  settings: { opener: { maxWorkers: 1 } },
  lanes: [
    { function: 'opener', everyMs: 60 },
    { function: 'opener', everyMs: 60 },
  ],
  async strike(scene) {
    const { outcome, body } = await scene.ask('/opener?open')
    if (outcome !== '200' || !body.endsWith(' EMFILE')) throw new Error(`a full worker answered ${outcome} ${body}`)
    return `opened ${body.split(' ')[0]} files in a worker`
  },
}
