/**
 * Writes what follows from the configuration's schemas: `docs/configuration.md` for readers, and for editors
 * `gateway/config/user-config.ts` and `docs/function.schema.json`. `node scripts/config-docs.ts` writes all, `--check` fails when one is
 * stale.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import * as z from 'zod'
import { fields, kinds, unwrap } from '../gateway/config/fields.ts'
import { functionFileSchema } from '../gateway/config/function-file-schema.ts'
import { OUTSIDE_SETTINGS } from '../gateway/config/overlays.ts'
import { configSchema } from '../gateway/config/schema.ts'

/** One key of one section, as words. */
interface Row {
  readonly key: string
  readonly type: string
  readonly allowed: string
  readonly default: string | null
  readonly required: boolean
  readonly does: string
  readonly schema: z.ZodType
  /** The section that the value is, or that its entries are. */
  readonly section: z.ZodObject | null
  /** The value is an object of such entries, by name. */
  readonly isRecord: boolean
}

const root = new URL('../', import.meta.url)

/** Path from the repository's root and content of each generated file. */
export async function generatedFiles(): Promise<Record<string, string>> {
  const ownConfig = await readFile(new URL('wrangler-free.config.ts', root), 'utf8')
  return {
    'docs/configuration.md': renderDocument(ownConfig),
    'docs/function.schema.json': renderJsonSchema(),
    'gateway/config/user-config.ts': renderTypes(),
  }
}

/** `function.json` for editors. What a text has to look like is said in words: our server checks it. */
function renderJsonSchema(): string {
  const schema = { $schema: 'https://json-schema.org/draft/2020-12/schema', title: 'function.json of wrangler-free' }
  return `${JSON.stringify({ ...schema, ...jsonObject(functionFileSchema) }, null, 2)}\n`
}

function jsonObject(section: z.ZodObject): object {
  const properties = rowsOf(section).map((row) => {
    const description = `${row.does} Allowed: ${row.allowed}.`
    return [row.key, { description, ...(row.section === null ? jsonType(row.type) : jsonObject(row.section)) }]
  })
  return { type: 'object', additionalProperties: false, properties: Object.fromEntries(properties) }
}

/** From the TypeScript type that each kind of value has. */
function jsonType(type: string): object {
  const known: Readonly<Record<string, object>> = {
    boolean: { type: 'boolean' },
    number: { type: 'number' },
    string: { type: 'string' },
    'string[]': { type: 'array', items: { type: 'string' } },
    'Record<string, string>': { type: 'object', additionalProperties: { type: 'string' } },
  }
  if (type.endsWith(' | string')) return { anyOf: [jsonType(type.slice(0, -' | string'.length)), { type: 'string' }] }
  const texts = type.split(' | ').map((one) => /^'(.*)'$/.exec(one)?.[1])
  return known[type] ?? (texts.includes(undefined) ? { type: ['number', 'string'] } : { enum: texts })
}

function rowsOf(section: z.ZodObject): Row[] {
  return Object.entries(section.shape).map(([key, schema]) => {
    const doc = fields.get(schema as z.ZodType)
    const bare = unwrap(schema)
    const kind = kinds.get(bare as z.ZodType)
    if (!doc || !kind) throw new Error(`The schema does not say what ${key} is`)
    const { type } = kind
    const allowed = kind.brief ?? kind.allowed
    return {
      key,
      type,
      allowed,
      default: doc.default,
      required: doc.required === true,
      does: doc.does,
      schema: schema as z.ZodType,
      section: sectionIn(bare),
      isRecord: bare instanceof z.ZodRecord,
    }
  })
}

function sectionIn(schema: z.core.$ZodType): z.ZodObject | null {
  if (schema instanceof z.ZodObject) return schema
  if (schema instanceof z.ZodArray) return sectionIn(unwrap(schema.element))
  return schema instanceof z.ZodRecord ? sectionIn(unwrap(schema.valueType)) : null
}

function renderTypes(): string {
  const interfaces = new Map<string, string>()
  addInterface(interfaces, configSchema, 'What `wrangler-free.config.*` may hold. Every key may be left out.')
  return `/**
 * The configuration as it is written, for editors. Generated from schema.ts by scripts/config-docs.ts: do not edit.
 */
import type { Duration, Size } from './units.ts'

export type { Duration, Size }
${[...interfaces.values()].join('')}`
}

function addInterface(interfaces: Map<string, string>, section: z.ZodObject, does: string): void {
  const name = kinds.get(section)!.type
  if (interfaces.has(name)) return
  // Takes its place before those it mentions.
  interfaces.set(name, '')
  const rows = rowsOf(section)
  for (const row of rows) if (row.section) addInterface(interfaces, row.section, row.does)
  const members = rows.map((row) => {
    const byDefault = row.default === null || row.default === '{}' ? '' : ` Default: \`${row.default}\`.`
    return `  /** ${row.does}${byDefault} */\n  ${row.key}${row.required ? '' : '?'}: ${row.type}\n`
  })
  interfaces.set(name, `\n/** ${does} */\nexport interface ${name} {\n${members.join('')}}\n`)
}

function renderDocument(ownConfig: string): string {
  const rows = rowsOf(configSchema)
  const paths = rows.filter((row) => row.section === null)
  const described = new Set<z.ZodType>()
  const chapters = rows.map((row) => renderChapter(row, described))
  return `<!-- Generated from gateway/config/schema.ts by \`node scripts/config-docs.ts\`: change it there. -->
# Configuration

\`wrangler-free\` works without a configuration. To change something, put a \`wrangler-free.config.ts\` into the folder in
which you start it (or \`.mts\`, \`.js\`, \`.mjs\`, \`.json\`; one of them), or name a file with \`--config FILE\`. It exports an
object; \`defineConfig\` lets the editor explain each field. This is the project's own:

\`\`\`ts
${ownConfig.trim()}
\`\`\`

- A relative path in the file is taken from the file's folder; one in a flag or variable from the current folder.
- Durations are written \`'250ms'\`, \`'30s'\`, \`'5m'\`, \`'1h'\`, \`'2d'\`, or as a number of milliseconds; at most 24 days. \`'never'\`
  is allowed where the table says so.
- Sizes are written \`'64KiB'\`, \`'256MiB'\`, \`'1GiB'\` (powers of 1024), \`'10MB'\` (powers of 1000), or as a number of bytes.
- A key that does not exist is a mistake. All mistakes are reported at once, each with where it was written, what was
  found, what is allowed and what was probably meant. With a mistake the gateway does not start.
- The file may import other files and packages, and export a promise of its object. \`import … from 'wrangler-free'\` needs
  nothing installed. A function as export is refused: there is nothing to call it with.

## What wins

1. Flags of the command line
2. Environment variables; an empty one counts as not set, and an unknown \`WRANGLER_FREE_…\` is a mistake
3. The configuration file
4. The defaults below

| setting | flag | variable |
|---|---|---|
| the file itself | \`--config FILE\` | |
${OUTSIDE_SETTINGS.map(outsideRow).join('\n')}

## What happens when the file changes

\`wrangler-free\` reads the file again when it, or a file that it imports, is saved. The new settings apply at once and no
request is dropped. Five need a restart, and a message says so: \`listen.host\`, \`listen.port\`, \`admin.host\`, \`admin.port\`
and \`state\`. When the new file has mistakes they are reported, and the settings that were in force stay in force.
Flags and variables keep winning over the file.

## Paths

${renderTable(paths)}
${chapters.join('')}`
}

function outsideRow({ path, flag, variable }: (typeof OUTSIDE_SETTINGS)[number]): string {
  return `| \`${path.join('.')}\` | ${flag ? `\`${flag.name} ${flag.value}\`` : ''} | \`${variable}\` |`
}

function renderChapter(row: Row, described: Set<z.ZodType>): string {
  if (row.section === null) return ''
  const heading = `\n## ${row.key}\n\n${row.does}\n`
  const rows = rowsOf(row.section)
  const fresh = rows.filter(({ schema }) => !described.has(schema))
  const again = fresh.length === rows.length ? '' : '\nEach holds the keys of [defaults](#defaults), and:\n'
  for (const { schema } of fresh) described.add(schema)
  return `${heading}${again}\n${renderTable(fresh)}\n${NOTES[row.key] ?? ''}`
}

/** What holds between the fields of a section. */
const NOTES: Readonly<Record<string, string>> = {
  pool: '\nThe `minWorkers` of all functions in `overrides` together may not be more than `pool.maxWorkers`.\n',
  defaults:
    '\n`minWorkers` may not be more than `maxWorkers`, nor a written `maxWorkers` more than `pool.maxWorkers`.\n',
}

function renderTable(rows: readonly Row[], prefix = ''): string {
  const head = prefix === '' ? '| key | allowed | default | what it does |\n|---|---|---|---|\n' : ''
  const lines = rows.map((row) => {
    const key = `${prefix}${row.key}`
    if (row.section) return renderTable(rowsOf(row.section), row.isRecord ? `${key}.NAME.` : `${key}.`)
    const byDefault = row.default === null ? (row.required ? 'required' : 'none') : `\`${row.default}\``
    return `| \`${key}\` | ${row.allowed} | ${byDefault} | ${row.does} |`
  })
  return `${head}${lines.join('\n')}`
}

async function main(check: boolean): Promise<void> {
  for (const [path, content] of Object.entries(await generatedFiles())) {
    const url = new URL(path, root)
    const current = await readFile(url, 'utf8').catch(() => '')
    if (current === content) continue
    if (!check) await writeFile(url, content)
    else process.exitCode = 1
    process.stdout.write(check ? `${path} is stale; run: node scripts/config-docs.ts\n` : `wrote ${path}\n`)
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(process.argv.includes('--check'))
