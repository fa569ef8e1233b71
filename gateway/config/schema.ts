/**
 * The configuration file's one schema: every key, what it may be, its default and what it does. It is strict: a key
 * it does not have is a mistake. `docs/configuration.md` and `user-config.ts` are generated from it by
 * `scripts/config-docs.ts`; the defaults of functions and of the pool come from the pool itself.
 */

import * as z from 'zod'
import { field, flag, kinds, optional, required, section, text } from './fields.ts'
import type { ParsedFunctionFile } from './function-file-schema.ts'
import { functionFields, operatorFields } from './function-schema.ts'
import { admin, deploy, limits, listen, log, pool } from './gateway-schema.ts'
import { functionName, path, program, RUNTIME_NAME, routePath, runtimeName, variableName } from './schema-words.ts'
import { secret } from './secret-schema.ts'

const functionSettings = section({ ...functionFields, ...operatorFields }, 'FunctionConfig')

const overrideSettings = section(
  {
    runtime: optional(runtimeName(), null, 'What runs it, whatever its `function.json` says.'),
    ...functionFields,
    ...operatorFields,
  },
  'OverrideConfig',
)

const ownRuntime = section(
  {
    command: required(
      program(),
      "What starts one worker, and its arguments. A part that begins with `./` or `../` is taken from the file's folder.",
    ),
  },
  'RuntimeConfig',
)

const route = section(
  {
    path: required(
      routePath(),
      "Paths it answers: `'/exact'`, `'/users/:id'`, `'/api/*'`. Compared with the path that the function sees.",
    ),
    host: optional(
      text(/^(\*\.)?[a-z0-9]([a-z0-9.-]*[a-z0-9])?\.?$/i, "host name such as 'example.com' or '*.example.com'"),
      null,
      "Only for this `Host`; `'*.example.com'` for every name below. Unwritten: for all.",
    ),
    function: required(functionName(), 'Name of the function that answers.'),
    stripPrefix: field(
      flag(),
      false,
      'True: the function sees the path without what stands before `/*`. Only for a path that ends so.',
    ),
  },
  'RouteConfig',
)

/** The whole file. Its input is `UserConfig`; its output is in code's units, with functions' settings still partial. */
export const configSchema = section(
  {
    functions: field(path(), 'functions', 'Folder of the functions: each folder or file in it is one.'),
    state: field(path(), '.wrangler-free', 'Folder for what the gateway keeps between runs, such as built bundles.'),
    listen: field(listen, {}, 'Where callers reach the functions.'),
    admin: field(admin, {}, 'Where the admin API is: health, status and deploying.'),
    limits: field(limits, {}, 'What a caller may send, and how long it may take.'),
    deploy: field(deploy, {}, 'Functions that are deployed to the running gateway: see docs/deploying.md.'),
    pool: field(pool, {}, "The whole machine's budget of worker processes."),
    secrets: field(
      z.record(variableName(), secret).register(kinds, {
        type: 'Record<string, SecretConfig>',
        allowed: "object with secrets' names and where each is",
      }),
      {},
      'By name: values that are written elsewhere, for the functions that are allowed to ask for them.',
    ),
    defaults: field(functionSettings, {}, 'How every function is run.'),
    overrides: field(
      z.record(functionName(), overrideSettings).register(kinds, {
        type: 'Record<string, OverrideConfig>',
        allowed: "object with functions' names and their settings",
      }),
      {},
      "By function's name: what differs from `defaults`. `queue`, `limits`, `cpu`, `env` and `secrets` are merged key by key.",
    ),
    routes: field(
      z.array(route).register(kinds, { type: 'RouteConfig[]', allowed: 'list of routes' }),
      [],
      'Which function answers which paths, besides `/<name>` and `/<name>/*` that each has.',
    ),
    runtimes: field(
      z.record(text(RUNTIME_NAME, "name such as 'ruby' or 'ruby@3'"), ownRuntime).register(kinds, {
        type: 'Record<string, RuntimeConfig>',
        allowed: 'object of names and what starts each',
      }),
      {},
      'Runtimes of your own, by the name under which a `function.json` asks for one: see docs/runtimes.md.',
    ),
    log: field(log, {}, "The gateway's own log."),
  },
  'UserConfig',
)

/** A file that passed the schema. */
export type ParsedConfig = z.output<typeof configSchema>

/** What was written about how a function is run; what was not is missing. Secrets have ways of their own. */
export type WrittenSettings = Omit<ParsedConfig['defaults'], 'secrets'>

/** What a function's own file asks for. */
export type AskedSettings = WrittenSettings & Pick<ParsedFunctionFile, 'secrets'>
