/** Kinds of values that several parts of the schema have: names, paths, programs, variables. */
import { isIP } from 'node:net'
import * as z from 'zod'
import { kinds, text } from './fields.ts'
import { RUNTIMES } from './function-kinds.ts'

export const path = () => text(/^[^\0]+$/, 'path of a folder')

export const host = () =>
  z
    .string()
    .refine((value) => isIP(value) !== 0 || /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(value))
    .register(kinds, { type: 'string', allowed: 'IP address or host name, without a port' })

export const variables = () =>
  z
    .record(text(/^[^=\0]+$/, 'name of a variable'), text(/^[^\0]*$/, 'text', true))
    .register(kinds, { type: 'Record<string, string>', allowed: 'object of names and texts' })

export const folders = () =>
  z.array(text(/^\/[^\0]*$/, 'absolute path')).register(kinds, { type: 'string[]', allowed: 'list of absolute paths' })
/** A variable of a function; what is written where a name belongs may be the value itself, and is not printed. */
export const variableName = () => text(/^[A-Za-z_][A-Za-z0-9_]*$/, "name of a variable such as 'DATABASE_URL'", true)

export const functionName = () => text(/^[^/\0]+$/, "function's name")

export const program = () =>
  z
    .array(text(/^[^\0]+$/, 'text'))
    .min(1)
    .register(kinds, { type: 'string[]', allowed: 'list of a program and its arguments' })

export const RUNTIME_NAME = /^[a-z][a-z0-9._-]*(?:@[a-z0-9._-]+)?$/
export const RUNTIMES_IN_WORDS = RUNTIMES.map((name) => `'${name}'`).join(', ')

/** Which names there are depends on the configuration's own `runtimes`: the rules between settings look that up. */
export const runtimeName = () =>
  text(RUNTIME_NAME, `${RUNTIMES_IN_WORDS}, or one that \`runtimes\` in the configuration adds`)

export const routePath = () =>
  text(
    /^(?=\/)(?:\/(?:[^/?#\s:*]+|:[A-Za-z_]\w*))*(?:\/\*?)?$/,
    "path such as '/exact', '/users/:id' or '/api/*', with * only at its end",
  )
