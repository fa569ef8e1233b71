import { existsSync } from 'node:fs'

/** Ends when the file is there: the test says when. */
export default async function waitFor(file) {
  while (!existsSync(file)) await new Promise((resolve) => setTimeout(resolve, 5))
}
