/**
 * A program that uses the library and nothing else, where no worker can boot or none may be started. It is told which,
 * prints how its run ended, and must then end by itself.
 */
import { WarmPool, type WarmPoolOptions } from '../../warmpool/index.ts'

/** The executable that workers are started from, and the pool's options. */
const [executable, options] = process.argv.slice(2) as [string, string]

process.execPath = executable
const pool = new WarmPool(JSON.parse(options) as WarmPoolOptions)
try {
  await pool.run(new URL('./tasks/echo.mjs', import.meta.url), 1)
  console.log('it was answered')
} catch (error) {
  const { code, message } = error as Error & { code: string }
  console.log(`${code}: ${message}`)
}
