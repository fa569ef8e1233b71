/** How many calls each worker of a function served, from the function itself, which writes it down when it ends. */
import { join } from 'node:path'
import { readOrNull } from './processes.ts'

/** The source of a function; the folder to leave its numbers in comes as SERVED_FOLDER. */
export function countingHello(name: string): string {
  return `import { appendFileSync } from 'node:fs'
let served = 0
process.on('exit', () => appendFileSync(\`\${process.env.SERVED_FOLDER}/${name}.served\`, \`\${served}\\n\`))
export default {
  fetch() {
    served++
    return new Response('Hello!\\n')
  },
}
`
}

/** One number for each worker that has ended. */
export function servedBy(folder: string, name: string): number[] {
  const lines = readOrNull(join(folder, `${name}.served`)) ?? ''
  return lines.split('\n').filter(Boolean).map(Number)
}
