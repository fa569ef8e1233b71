/** A function's own file, `function.json`. Its JSON Schema for editors is generated from this. */

import * as z from 'zod'
import { field, kinds, oneOf, optional, section, text } from './fields.ts'
import { FORMATS, RUNTIMES } from './function-kinds.ts'
import { functionFields } from './function-schema.ts'
import { program, routePath, variableName } from './schema-words.ts'

/** Of one function. Patterns say more with fewer. */
const MOST_ROUTES = 1_000

const health = section(
  {
    path: field(text(/^\/[^\s\0]*$/, "path such as '/health'"), '/', 'Where it is asked, with GET.'),
    status: field(
      z.int().min(200).max(599).register(kinds, { type: 'number', allowed: 'whole number from 200 to 599' }),
      200,
      'What it has to answer.',
    ),
  },
  'HealthCheck',
)

/** A function's own file, `function.json`: what it is, and what it asks for, where these are the runtimes. */
function functionFile(runtimes: readonly string[]) {
  return section(functionFileFields(runtimes), 'FunctionFile')
}

function functionFileFields(runtimes: readonly string[]) {
  return {
    $schema: optional(text(/^/, 'text'), null, 'Address of the JSON Schema, for editors.'),
    format: optional(
      oneOf(FORMATS),
      null,
      'What the code is written for. Unwritten: inferred where it is unambiguous.',
    ),
    runtime: optional(oneRuntimeOf(runtimes), null, 'What runs it. Unwritten: inferred from the files.'),
    handler: optional(
      text(/^[^\0\s]+$/, "export such as 'handler', or module and export such as 'src/app.handler'"),
      null,
      'The module and the export that is called.',
    ),
    command: optional(
      program(),
      null,
      'The program that serves the calls, and its arguments, for the runtimes `http`, `stdio` and `lambda`.',
    ),
    payload: optional(
      oneOf(['1.0', '2.0']),
      '2.0',
      'The payload format of the events that a Lambda function gets: `1.0` as REST APIs and load balancers send it, `2.0` as function URLs and HTTP APIs do.',
    ),
    routes: optional(
      z
        .array(routePath())
        .max(MOST_ROUTES)
        .register(kinds, { type: 'string[]', allowed: `list of at most ${MOST_ROUTES} paths` }),
      null,
      'Paths that it answers besides `/<name>` and `/<name>/*`. It sees them whole.',
    ),
    health: optional(health, null, 'The call that a new version has to answer well before it gets traffic.'),
    ...functionFields,
    secrets: optional(
      z.array(variableName()).register(kinds, { type: 'string[]', allowed: "list of secrets' names" }),
      null,
      'Secrets that it needs. The configuration has to give them to it: see its `secrets`.',
    ),
    isolation: optional(
      oneOf(['sandbox', 'process']),
      null,
      'The least that keeps it from everything else. What the operator says may be stricter, and then is that.',
    ),
    network: optional(oneOf(['none']), null, 'That it reaches nothing of the network.'),
    listen: optional(oneOf(['none']), null, 'That it opens no TCP port, whatever the operator would let it.'),
  }
}

function oneRuntimeOf(runtimes: readonly string[]) {
  const names = runtimes.map((name) => `'${name}'`)
  const allowed = `${names.join(', ')}; others are added by \`runtimes\` in the configuration`
  return z.enum(runtimes).register(kinds, { type: `${names.join(' | ')} | string`, allowed })
}

/** Without runtimes of the operator's own. */
export const functionFileSchema = functionFile(RUNTIMES)

const withOwn = new WeakMap<readonly string[], typeof functionFileSchema>()

/** @param own names of the operator's runtimes; the schema is kept as long as this very list. */
export function functionFileSchemaWith(own: readonly string[]): typeof functionFileSchema {
  if (own.length === 0) return functionFileSchema
  let schema = withOwn.get(own)
  if (schema === undefined) {
    schema = functionFile([...RUNTIMES, ...own])
    withOwn.set(own, schema)
  }
  return schema
}

/** A `function.json` that passed the schema. */
export type ParsedFunctionFile = z.output<typeof functionFileSchema>
