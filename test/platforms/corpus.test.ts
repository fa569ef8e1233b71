/**
 * Small re-makings of what people have, served together by one gateway. Each folder of corpus/ is one function of its
 * name. Its `corpus.json` is not copied; it holds
 *
 *   shape      what the folder is a model of, as a sentence: the test's name
 *   needs      "python3" or Python packages ("flask"): without them the folder is skipped, visibly
 *   file       the function is this one file alone, not the folder
 *   override   settings for this function, as in `overrides` of the configuration
 *   exchanges  in order: `request` ("GET /NAME/path"), and what is sent: `headers`, `body` (an object is sent as JSON);
 *              what must come back: `status` (200), `answers` (header fields), and one of `text` (the whole body),
 *              `json` (the body, parsed; fields besides these may be there only with `"partly": true`), `match` (a
 *              regular expression)
 *
 * A folder named `_node_modules` is copied as `node_modules`, which Git would ignore. The repository's packages lie above
 * all functions, as hoisted packages do. To run some only: `vitest run test/platforms/corpus.test.ts -t NAME`.
 */
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { type GatewayUnderTest, shareGateway } from '../e2e/gateway-under-test.ts'

interface Exchange {
  readonly request: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
  readonly status?: number
  readonly answers?: Readonly<Record<string, string>>
  readonly text?: string
  readonly json?: unknown
  readonly partly?: true
  readonly match?: string
}

interface Folder {
  readonly shape: string
  readonly needs?: readonly string[]
  readonly file?: string
  readonly override?: object
  readonly exchanges: readonly Exchange[]
}

const FOLDER_FIELDS = ['shape', 'needs', 'file', 'override', 'exchanges']
const EXCHANGE_FIELDS = 'request,headers,body,status,answers,text,json,partly,match'.split(',')
const CORPUS = fileURLToPath(new URL('corpus', import.meta.url))
/** Fewer than there are folders, so that functions come and go while others are called. */
const WORKERS = 24

const folders = readdirSync(CORPUS).map((name): [name: string, folder: Folder, missing: string | null] => {
  const folder = JSON.parse(readFileSync(join(CORPUS, name, 'corpus.json'), 'utf8')) as Folder
  refuseUnknown(name, folder, FOLDER_FIELDS)
  for (const exchange of folder.exchanges) refuseUnknown(name, exchange, EXCHANGE_FIELDS)
  return [name, folder, (folder.needs ?? []).find((need) => !isInstalled(need)) ?? null]
})

/** A misspelt expectation would never be looked at. */
function refuseUnknown(name: string, object: object, fields: readonly string[]): void {
  const unknown = Object.keys(object).find((field) => !fields.includes(field))
  if (unknown !== undefined) throw new Error(`corpus/${name}/corpus.json has a field "${unknown}"`)
}

function isInstalled(need: string): boolean {
  const args = need === 'python3' ? ['--version'] : ['-c', `import ${need}`]
  return spawnSync('python3', args).status === 0
}

describe('one gateway', () => {
  const gateway = shareGateway({
    packages: 'installed',
    functions: {},
    patienceMs: 120_000,
    copied: Object.fromEntries(
      folders.map(([name, { file }]) => [name, { from: join(CORPUS, name), ...(file !== undefined && { file }) }]),
    ),
    config: {
      pool: { maxWorkers: WORKERS },
      overrides: Object.fromEntries(folders.map(([name, { override = {} }]) => [name, override])),
    },
  })

  for (const [name, folder, missing] of folders)
    test
      .skipIf(missing !== null)
      .concurrent(
        `serves ${name}: ${folder.shape}${missing === null ? '' : ` (needs ${missing}, which is not installed)`}`,
        async () => {
          for (const exchange of folder.exchanges) await expectExchange(gateway(), exchange)
        },
      )
})

async function expectExchange(gateway: GatewayUnderTest, exchange: Exchange): Promise<void> {
  const [method = '', path = ''] = exchange.request.split(' ', 2)
  const response = await gateway.fetch(path, { method, redirect: 'manual', ...sent(exchange) })
  const text = await response.text()
  const what = `${exchange.request} ${response.status}\n${text}`
  expect(response.status, what).toBe(exchange.status ?? 200)
  for (const [field, value] of Object.entries(exchange.answers ?? {}))
    expect(response.headers.get(field), `${field} of ${what}`).toBe(value)
  if (exchange.text !== undefined) expect(text, what).toBe(exchange.text)
  if (exchange.match !== undefined) expect(text, what).toMatch(new RegExp(exchange.match))
  if (exchange.json === undefined) return
  if (exchange.partly) expect(JSON.parse(text), what).toMatchObject(exchange.json as object)
  else expect(JSON.parse(text), what).toEqual(exchange.json)
}

function sent({ headers = {}, body }: Exchange): RequestInit {
  if (body === undefined || typeof body === 'string') return { headers, ...(body !== undefined && { body }) }
  return { headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) }
}
