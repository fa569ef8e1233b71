/** A program with forked blanks, which tells of them and waits to be killed. Its argument is the task's URL. */
import { readFileSync } from 'node:fs'
import { WarmPool } from '../../warmpool/index.ts'

const pool = new WarmPool({ defaults: { maxInvocations: 1 } })
let template = process.pid
while (template === process.pid)
  template = ((await pool.run(process.argv[2]!, { test: 'itself' })) as { parent: number }).parent
let forked: number[] = []
while (forked.length === 0) {
  forked = readFileSync(`/proc/${template}/task/${template}/children`, 'latin1').trim().split(' ').map(Number)
  await pool.run(process.argv[2]!, { test: 'itself' })
}
console.log(JSON.stringify({ template, forked }))
setInterval(() => {}, 1_000)
