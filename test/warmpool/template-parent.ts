/** A program with a forked worker, which tells of it and waits to be killed. Its argument is the task's URL. */
import { WarmPool } from '../../warmpool/index.ts'

const pool = new WarmPool({ defaults: { startBy: 'fork' } })
console.log(JSON.stringify(await pool.run(process.argv[2]!, { test: 'itself' })))
setInterval(() => {}, 1_000)
