/**
 * Azure Functions' v3 model: a folder for each function, with a `function.json` that lists its bindings. It is not served:
 * its author is told how the same is written in the v4 model.
 */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

const MOST_NAMED = 5

/** Whether the text of a `function.json` is one of Azure's. */
export function isAzureV3(text: string): boolean {
  if (!text.includes('"bindings"')) return false
  try {
    const said = JSON.parse(text) as { bindings?: unknown; format?: unknown; runtime?: unknown } | null
    return Array.isArray(said?.bindings)
  } catch {
    return false
  }
}

/** The folders of v3 functions directly in an app's folder. */
export async function azureV3Folders(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { withFileTypes: true })
  const folders = entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.')).map(({ name }) => name)
  const texts = folders.map((name) => readFile(join(dir, name, 'function.json'), 'utf8').catch(() => ''))
  const found = await Promise.all(texts)
  return folders.filter((_, at) => isAzureV3(found[at]!)).sort()
}

export function azureV3Problem(name: string, folders: readonly string[]): string {
  const named = folders.slice(0, MOST_NAMED).join(', ')
  const more = folders.length > MOST_NAMED ? ` and ${folders.length - MOST_NAMED} more` : ''
  const call = `app.http('${folders[0]}', { methods: ['GET', 'POST'], authLevel: 'anonymous', handler: async (request, context) => ({ body: '…' }) })`
  return `${name}/ is written for version 3 of Azure's Node model (its function.json has "bindings": ${named}${more}), and version 4 is served. Write each function as ${call}: methods, route and authLevel come from its bindings, context.res = {…} becomes the return value, context.log stays. Then remove its function.json and run npm install @azure/functions@4. See docs/coming-from/azure.md.`
}
