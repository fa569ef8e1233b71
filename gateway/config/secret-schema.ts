/** Where a secret is, never what it is: the table of the configuration, and what a function says of one. */

import * as z from 'zod'
import { kinds, optional, text } from './fields.ts'
import { functionName, variableName } from './schema-words.ts'

const place = {
  env: optional(variableName(), null, "Name of a variable in the gateway's own environment."),
  file: optional(
    text(/^[^\0]+$/, 'path of a file', true),
    null,
    'File that holds it, for its owner only (`chmod 600`); one newline at its end is cut. Read again when it changes.',
  ),
} as const

const oneOfSecret = (what: object): boolean => Object.keys(what).filter((key) => key !== 'functions').length === 1

/** Where one secret of the table is, and which functions may ask for it. */
export const secret = z
  .strictObject({
    ...place,
    functions: optional(
      z.array(functionName()).register(kinds, { type: 'string[]', allowed: "list of functions' names, or ['*']" }),
      [],
      "Functions that receive it when their `function.json` names it; `'*'` for every one.",
    ),
  })
  .refine(oneOfSecret)
  .register(kinds, { type: 'SecretConfig', allowed: 'object with env or file, and functions', secret: true })

export const secretReference = z
  .strictObject({ ...place, from: optional(variableName(), null, 'Name of an entry of `secrets`.') })
  .refine(oneOfSecret)
  .register(kinds, { type: 'SecretReference', allowed: 'object with one of env, file, from', secret: true })
